"""A plan version as its customers will see it, with worked examples by the code of the bill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from billing import catalogue, currencies
from billing.admin.acts import Table
from billing.admin.shown import money, number
from billing.domain.rating import (
    LARGEST_QUANTITY,
    QUANTITY_DIGITS,
    InvalidPrice,
    PriceModel,
    PriceRule,
    Tier,
    digits_of,
    rate,
)
from billing.models import EVERY_PLUGIN, CatalogueObject, Entitlement, PlanVersion, Price

EXAMPLES = (Decimal(1), Decimal(100), Decimal(1000))
MOST_EXAMPLES = 6


def quantities(text: str) -> list[Decimal]:
    """Numbers apart by commas or spaces; the standard ones for what can not be read."""
    try:
        found = [Decimal(part) for part in text.replace(",", " ").split()][:MOST_EXAMPLES]
    except ArithmeticError:
        return list(EXAMPLES)
    sound = [each for each in found if each.is_finite() and 0 <= each < LARGEST_QUANTITY and _is_fine(each)]
    return sound or list(EXAMPLES)


def _is_fine(quantity: Decimal) -> bool:
    return digits_of(quantity) <= QUANTITY_DIGITS


def tables(version: PlanVersion, examples: Sequence[Decimal]) -> list[Table]:
    """Fees and prices in each currency, what is covered, and the features; only the last two while prices are wrong."""
    try:
        priced = [_prices(version, currency, examples) for currency in currencies.sold_in(version)]
    except InvalidPrice:
        priced = []
    covered = [_entitlement(each) for each in version.entitlements.select_related("meter")]
    features = [[str(each.feature.name)] for each in version.features.select_related("feature")]
    return [
        *priced,
        Table("Covered", ("Plugin", "Counted by", "Limit", "Beyond it", "Jobs a minute", "Unfinished jobs"), covered),
        *([Table("Features", ("Feature",), features)] if features else []),
    ]


def sync_tables(version: PlanVersion) -> list[Table]:
    """How far each price's copy at a provider is; nothing where there are none."""
    prices = {each.pk: each for each in version.prices.select_related("meter")}
    ids = [*prices, version.pk, version.plan_id]
    rows = [_synced(each, prices) for each in CatalogueObject.objects.filter(local_id__in=ids)]
    header = ("Provider", "Of", "State", "Id at the provider", "Synced", "Error")
    return [Table("Copies at providers", header, rows)] if rows else []


def _prices(version: PlanVersion, currency: str, examples: Sequence[Decimal]) -> Table:
    offer = catalogue.offer(version, currency)
    rows = {each.pk: each for each in version.prices.select_related("meter") if each.currency == currency}
    worked = [f"For {number(each)}" for each in examples]
    header = ("Price", "For", "Free units", *worked)
    title = f"{offer.version.plan.name}, {_interval(version)}, in {currency.upper()}"
    return Table(title, header, [_price(each, currency, examples) for each in _fees_first(rows.values())])


def _fees_first(prices: Iterable[Price]) -> list[Price]:
    return sorted(prices, key=lambda each: (each.meter is not None, each.plugin == EVERY_PLUGIN, each.plugin))


def _price(price: Price, currency: str, examples: Sequence[Decimal]) -> list[str]:
    if price.meter is None:
        return [money(price.amount, currency), "the period", "–", *("" for _ in examples)]
    rule = price.rule
    costs = [money(rate(rule, each), currency) for each in examples]
    plugin = "every plugin" if price.plugin == EVERY_PLUGIN else price.plugin
    of = f"{plugin}, by {price.meter.unit}"
    return [in_words(rule, currency), of, number(rule.included) if rule.included else "–", *costs]


def in_words(rule: PriceRule, currency: str) -> str:
    """A price as a person reads it."""
    match rule.model:
        case PriceModel.FLAT:
            return f"{money(rule.amount, currency)} whatever the quantity"
        case PriceModel.PER_UNIT:
            return f"{money(rule.amount, currency)} each"
        case PriceModel.PACKAGE:
            return f"{money(rule.amount, currency)} for each {number(rule.package_size)} begun"
        case PriceModel.GRADUATED:
            return "each unit by its step: " + "; ".join(_steps(rule.tiers, currency))
        case PriceModel.VOLUME:
            return "all units by their total: " + "; ".join(_steps(rule.tiers, currency))


def _steps(tiers: Sequence[Tier], currency: str) -> Iterator[str]:
    for tier in tiers:
        bound = "beyond" if tier.up_to is None else f"up to {number(tier.up_to)}"
        flat = f" + {money(tier.flat_amount, currency)}" if tier.flat_amount else ""
        yield f"{bound} {money(tier.unit_amount, currency)}{flat}"


def _interval(version: PlanVersion) -> str:
    return str(version.get_interval_display()).lower()


def _entitlement(each: Entitlement) -> list[str]:
    beyond = "refused" if each.hard else "charged"
    return [
        "every plugin" if each.plugin == EVERY_PLUGIN else each.plugin,
        each.meter.unit if each.meter else "its own unit",
        number(each.limit),
        beyond if each.limit is not None else "–",
        str(each.rate_per_minute or "–"),
        str(each.max_in_flight or "–"),
    ]


def _synced(row: CatalogueObject, prices: dict[UUID, Price]) -> list[str]:
    price = prices.get(row.local_id)
    of = row.kind if price is None else f"{row.kind} {price.plugin} {price.meter or 'fee'} {price.currency}"
    mode = "" if row.livemode else " (test)"
    synced = f"{row.synced_at:%Y-%m-%d %H:%M}" if row.synced_at else "–"
    return [f"{row.provider}{mode}", of, str(row.get_state_display()), row.external_id, synced, row.error]
