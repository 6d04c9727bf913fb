"""What must hold between the prices and the entitlements of a plan before it can be published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.domain.rating import InvalidPrice, PriceRule, check

EVERY_PLUGIN = "*"


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """A price by its plugin ("*" for every one) and meter (None for the fee of a period)."""

    plugin: str
    meter: str | None
    rule: PriceRule
    currency: str = "usd"


@dataclass(frozen=True, slots=True)
class EntitlementTerm:
    """An entitlement by its plugin and the meter that it limits (None: the plugin's own unit)."""

    plugin: str
    meter: str | None
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PlanTerm:
    """What a plan version is: `interval` is "none" for one without periods."""

    currency: str
    interval: str
    prices: Sequence[PriceTerm]
    entitlements: Sequence[EntitlementTerm]
    is_addon: bool = False
    is_trial: bool = False
    trial_days: int = 0


def version_faults(plan: PlanTerm) -> Iterator[str]:
    """Why a version can not be published, in English; nothing when it can."""
    yield from _faults_of_currencies(plan)
    if plan.interval == "none" and any(price.meter is None for price in plan.prices):
        yield "a fee needs periods: choose monthly or yearly"
    if plan.is_addon:
        yield from _faults_of_addon(plan)
        return
    known: set[str] = set()
    for currency in sorted({price.currency for price in plan.prices} or {plan.currency}):
        priced = [price for price in plan.prices if price.currency == currency]
        for fault in faults(priced, plan.entitlements):
            if fault not in known:
                known.add(fault)
                yield fault


def _faults_of_currencies(plan: PlanTerm) -> Iterator[str]:
    """A version is sold whole in each of its currencies."""
    sold: dict[str, set[tuple[str, str | None]]] = {}
    for price in plan.prices:
        sold.setdefault(price.currency, set()).add((price.plugin, price.meter))
    for currency in sorted({plan.currency, *sold}):
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.islower()):
            yield f"{currency!r} is no currency: three small letters, as usd"
    every = set().union(*sold.values())
    if sold and plan.currency not in sold:
        yield f"it has no prices in its own currency {plan.currency}"
    for currency, priced in sorted(sold.items()):
        for plugin, meter in sorted(every - priced, key=str):
            yield f"in {currency} there is no price of {plugin} by {meter or 'period'}"


def _faults_of_addon(plan: PlanTerm) -> Iterator[str]:
    """An add-on is bought for whole periods and widens limits; use is priced by the plan that it goes with."""
    fees = [price for price in plan.prices if price.meter is None]
    reasons = {
        "an add-on needs periods: choose monthly or yearly": plan.interval == "none",
        "an add-on has no trial": plan.is_trial or plan.trial_days > 0,
        "an add-on needs a fee": not fees,
        "an add-on has no price of use": len(fees) < len(plan.prices),
        "an add-on must add to a limit": not plan.entitlements,
    }
    yield from (reason for reason, holds in reasons.items() if holds)
    for fee in fees:
        yield from _fault_of_price(fee)
    for each in plan.entitlements:
        if each.limit is None or each.meter is None:
            yield f"an add-on needs a meter and a limit for {each.plugin}"


def faults(prices: Sequence[PriceTerm], entitlements: Sequence[EntitlementTerm]) -> Iterator[str]:
    """Why the plan can not be published in one currency, in English; nothing when it can."""
    if not entitlements:
        yield "it covers no plugin"
    for price in prices:
        yield from _fault_of_price(price)
    for entitlement in entitlements:
        yield from _faults_of_pools(prices, entitlement, {other.plugin for other in entitlements})


def _fault_of_price(price: PriceTerm) -> Iterator[str]:
    try:
        check(price.rule)
    except InvalidPrice as error:
        yield f"price of {price.plugin} by {price.meter or 'period'}: {error}"


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
