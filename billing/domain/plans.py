"""What must hold between the prices and the entitlements of a plan before it can be published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from billing.domain.rating import InvalidPrice, PriceRule, check

EVERY_PLUGIN = "*"


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """A price by its plugin ("*" for every one) and meter (None for the fee of a period)."""

    plugin: str
    meter: str | None
    rule: PriceRule


@dataclass(frozen=True, slots=True)
class EntitlementTerm:
    """An entitlement by its plugin and the meter that it limits (None: the plugin's own unit)."""

    plugin: str
    meter: str | None


def faults(prices: Sequence[PriceTerm], entitlements: Sequence[EntitlementTerm]) -> Iterator[str]:
    """Why the plan can not be published, in English; nothing when it can."""
    if not entitlements:
        yield "it covers no plugin"
    for price in prices:
        try:
            check(price.rule)
        except InvalidPrice as error:
            yield f"price of {price.plugin} by {price.meter or 'period'}: {error}"
    for entitlement in entitlements:
        yield from _faults_of_pools(prices, entitlement, {other.plugin for other in entitlements})


def _faults_of_pools(prices: Sequence[PriceTerm], entitlement: EntitlementTerm, named: set[str]) -> Iterator[str]:
    """Units are counted in pools, one for each entitlement and meter. A price that depends on how many units came
    before must be alone in its pool: else work at another price would climb its ladder."""
    meters = {price.meter for price in prices if price.meter} if entitlement.meter is None else {entitlement.meter}
    pools = [_pool(prices, entitlement.plugin, meter, named) for meter in sorted(meters)]
    if not any(pools):
        yield f"{entitlement.plugin} has no price"
    for pool in pools:
        climbs = [price for price in pool if price.rule.depends_on_position]
        if climbs and len(pool) > 1:
            named_ones = ", ".join(sorted(price.plugin for price in pool if price.plugin != EVERY_PLUGIN))
            yield f"beside the {climbs[0].rule.model} price by {climbs[0].meter}, entitle {named_ones} separately"


def _pool(prices: Sequence[PriceTerm], plugin: str, meter: str, named: set[str]) -> list[PriceTerm]:
    """The prices that work under the entitlement of `plugin` can meet on `meter`."""
    on_meter = [price for price in prices if price.meter == meter]
    if plugin == EVERY_PLUGIN:
        return [price for price in on_meter if price.plugin == EVERY_PLUGIN or price.plugin not in named]
    own = [price for price in on_meter if price.plugin == plugin]
    return own or [price for price in on_meter if price.plugin == EVERY_PLUGIN]
