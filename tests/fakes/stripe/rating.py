"""What a quantity costs by a price: per unit, packages, graduated or volume tiers. Minor units, exact."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.state import Json

ZERO = Decimal(0)
DIGITS = Context(prec=60)


def amount_of(price: Json, quantity: Decimal, currency: str) -> int:
    """The whole amount, rounded half up once. A quantity below zero counts as zero."""
    with localcontext(DIGITS):
        return whole(exact_amount(price, max(quantity, ZERO), currency))


def exact_amount(price: Json, quantity: Decimal, currency: str) -> Decimal:
    """Nothing used costs nothing, also where a first tier has a flat amount."""
    terms = in_currency(price, currency)
    tiers = terms["_tiers"]
    if not quantity:
        return ZERO
    if not tiers:
        return packages(price, quantity) * decimal(terms["unit_amount_decimal"])
    return _volume(tiers, quantity) if price["tiers_mode"] == "volume" else _graduated(tiers, quantity)


def in_currency(price: Json, currency: str) -> Json:
    """The part of the price that holds the amounts in this currency."""
    if price["currency"] == currency:
        return price
    option = price["_currency_options"].get(currency)
    if option is None:
        raise refuse(f"price {price['id']} has no amounts in {currency}", param="currency")
    amount = option.get("unit_amount_decimal", option.get("unit_amount"))
    return {"_tiers": option.get("tiers", []), "unit_amount_decimal": amount}


def packages(price: Json, quantity: Decimal) -> Decimal:
    """The quantity that is paid for."""
    transform = price["transform_quantity"]
    if not transform:
        return quantity
    parts, rest = divmod(quantity, Decimal(transform["divide_by"]))
    return parts + 1 if rest and transform["round"] == "up" else parts


def whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def decimal(text: object) -> Decimal:
    """A number or nothing, which is zero."""
    return ZERO if text is None else Decimal(str(text))


def _graduated(tiers: list[Json], quantity: Decimal) -> Decimal:
    total = above = ZERO
    for tier in tiers:
        if quantity <= above:
            break
        upper = quantity if _is_last(tier) else min(quantity, Decimal(tier["up_to"]))
        total += (upper - above) * _unit(tier) + _flat(tier)
        above = upper
    return total


def _volume(tiers: list[Json], quantity: Decimal) -> Decimal:
    tier = next(tier for tier in tiers if _is_last(tier) or quantity <= tier["up_to"])
    return quantity * _unit(tier) + _flat(tier)


def _is_last(tier: Json) -> bool:
    return tier["up_to"] in (None, "inf")


def _unit(tier: Json) -> Decimal:
    return decimal(tier.get("unit_amount_decimal") or tier.get("unit_amount"))


def _flat(tier: Json) -> Decimal:
    return decimal(tier.get("flat_amount_decimal") or tier.get("flat_amount"))
