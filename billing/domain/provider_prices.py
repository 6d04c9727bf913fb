"""Which of our prices a metering provider can reproduce, and how they are written there. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.domain.money import plain
from billing.domain.rating import PriceModel, PriceRule, Tier

MAX_METERED = Decimal(10**15)
"""A reported quantity has at most 15 digits."""


def reproducible(rule: PriceRule) -> bool:
    """Whether every whole quantity costs the same there, to the last digit, nothing included.

    A flat price of use, and a first tier with an amount for entering it, would be charged there without any use;
    packages have no free units there; bounds are whole numbers.
    """
    match rule.model:
        case PriceModel.PER_UNIT:
            return True
        case PriceModel.GRADUATED | PriceModel.VOLUME:
            whole = all(tier.up_to is None or _whole(tier.up_to) for tier in rule.tiers)
            return whole and bool(rule.tiers) and not rule.tiers[0].flat_amount
        case PriceModel.PACKAGE:
            return not rule.free_units and _whole(rule.package_size)
        case _:
            return False


def metered_terms(rule: PriceRule) -> dict[str, Any]:
    """The amounts of a metered price as the provider takes them. Call for a `reproducible` rule."""
    if rule.tiers:
        return {
            "billing_scheme": "tiered",
            "tiers_mode": rule.model.value,
            "tiers": [_tier(tier) for tier in rule.tiers],
        }
    terms: dict[str, Any] = {"billing_scheme": "per_unit", "unit_amount_decimal": written(rule.amount)}
    if rule.model == PriceModel.PACKAGE:
        terms["transform_quantity"] = {"divide_by": int(rule.package_size), "round": "up"}
    return terms


def fee_terms(rule: PriceRule) -> dict[str, Any]:
    """The fee of a period."""
    return {"billing_scheme": "per_unit", "unit_amount_decimal": written(rule.amount)}


def countable(quantity: Decimal) -> bool:
    """Whether a quantity can be reported: a whole number of at most 15 digits."""
    return _whole(quantity) and Decimal(0) <= quantity < MAX_METERED


def written(amount: Decimal) -> str:
    """A decimal as text without an exponent."""
    return format(plain(amount), "f")


def _tier(tier: Tier) -> dict[str, Any]:
    shown: dict[str, Any] = {"up_to": "inf" if tier.up_to is None else int(tier.up_to)}
    shown["unit_amount_decimal"] = written(tier.unit_amount)
    if tier.flat_amount:
        shown["flat_amount_decimal"] = written(tier.flat_amount)
    return shown


def _whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
