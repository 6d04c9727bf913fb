"""Rating: what a quantity costs. Exact and pure; amounts are minor units with up to 12 digits after the point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.domain.money import ZERO, exact_arithmetic, plain

AMOUNT_DIGITS, QUANTITY_DIGITS = 12, 6
"""After the point; their product is what an amount of use can need."""


class PriceModel(StrEnum):
    """How the price of a quantity is found."""

    FLAT = "flat"
    PER_UNIT = "per_unit"
    GRADUATED = "graduated"


class InvalidPrice(ValueError):
    """The price can not be rated; the text says why."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: all the rest), each at `unit_amount`; `flat_amount` on entering."""

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price: `amount` for flat and per unit, `tiers` for graduated."""

    model: PriceModel
    amount: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()

    @property
    def depends_on_position(self) -> bool:
        """Whether the same unit can cost differently, depending on how many came before it in the period."""
        return self.model != PriceModel.PER_UNIT

    @property
    def included(self) -> Decimal:
        """How many units come free: the width of a first tier that costs nothing."""
        first = self.tiers[0] if self.model == PriceModel.GRADUATED and self.tiers else None
        free = first is not None and not first.unit_amount and not first.flat_amount
        return first.up_to or ZERO if first is not None and free else ZERO


@dataclass(frozen=True, slots=True)
class TierPart:
    """What one tier adds to the price of a quantity; `above` is where the tier begins."""

    above: Decimal
    up_to: Decimal | None
    quantity: Decimal
    unit_amount: Decimal
    flat_amount: Decimal
    amount: Decimal


def rate(rule: PriceRule, quantity: Decimal) -> Decimal:
    """The exact price of `quantity` units from the first one on. Nothing used costs nothing, in every model.

    Raises `ValueError` for a negative quantity.
    """
    if quantity < 0:
        raise ValueError("a quantity can not be negative")
    if quantity == 0:
        return ZERO
    with exact_arithmetic():
        match rule.model:
            case PriceModel.FLAT:
                return rule.amount
            case PriceModel.PER_UNIT:
                return rule.amount * quantity
            case PriceModel.GRADUATED:
                return sum((part.amount for part in breakdown(rule, quantity)), ZERO)


def marginal(rule: PriceRule, position: Decimal, quantity: Decimal) -> Decimal:
    """The exact price of the units in (position, position + quantity]; adjacent ones sum to the price of the whole."""
    with exact_arithmetic():
        return rate(rule, position + quantity) - rate(rule, position)


def breakdown(rule: PriceRule, quantity: Decimal) -> list[TierPart]:
    """The parts of a graduated price, tier by tier, only tiers that are reached."""
    parts: list[TierPart] = []
    above = ZERO
    with exact_arithmetic():
        for tier in rule.tiers:
            if quantity <= above:
                break
            within = (quantity if tier.up_to is None else min(quantity, tier.up_to)) - above
            amount = tier.flat_amount + within * tier.unit_amount
            parts.append(TierPart(above, tier.up_to, within, tier.unit_amount, tier.flat_amount, amount))
            above += within
    return parts


def check(rule: PriceRule) -> None:
    """Raises `InvalidPrice` unless every quantity has exactly one price that is not negative."""
    amounts = [rule.amount, *(tier.unit_amount for tier in rule.tiers), *(tier.flat_amount for tier in rule.tiers)]
    if any(not amount.is_finite() or amount < 0 for amount in amounts):
        raise InvalidPrice("an amount must be a number and must not be negative")
    if any(_digits(amount) > AMOUNT_DIGITS for amount in amounts):
        raise InvalidPrice(f"an amount can have {AMOUNT_DIGITS} digits after the point")
    if rule.model != PriceModel.GRADUATED:
        if rule.tiers:
            raise InvalidPrice("only a graduated price has tiers")
        return
    if rule.amount:
        raise InvalidPrice("a graduated price is told by its tiers alone")
    _check_bounds([tier.up_to for tier in rule.tiers])


def _check_bounds(bounds: list[Decimal | None]) -> None:
    if not bounds or bounds[-1] is not None:
        raise InvalidPrice("the last tier must be open: up_to null")
    closed = [bound for bound in bounds[:-1] if bound is not None]
    if len(closed) != len(bounds) - 1:
        raise InvalidPrice("only the last tier may be open")
    if any(not bound.is_finite() for bound in closed):
        raise InvalidPrice("a tier must end at a number")
    if any(_digits(bound) > QUANTITY_DIGITS for bound in closed):
        raise InvalidPrice(f"a tier can end at {QUANTITY_DIGITS} digits after the point")
    if any(low >= high for low, high in zip([ZERO, *closed], closed, strict=False)):
        raise InvalidPrice("tiers must ascend from above zero")


def _digits(value: Decimal) -> int:
    return -int(plain(value).as_tuple().exponent)


def tiers_from_json(rows: Iterable[dict[str, Any]]) -> tuple[Tier, ...]:
    """Tiers as stored: `[{"up_to": "10" | null, "unit_amount": "2.5", "flat_amount": "0"}]`. Raises `InvalidPrice`."""
    return tuple(
        Tier(
            None if row.get("up_to") is None else number(row["up_to"]),
            number(row.get("unit_amount", "0")),
            number(row.get("flat_amount", "0")),
        )
        for row in rows
    )


def number(value: object) -> Decimal:
    """A decimal from text or a whole number; a float is refused, for it may already have lost the digit that counts."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise InvalidPrice(f"write the number as text: {value!r}")
    try:
        return Decimal(value)
    except ArithmeticError as error:
        raise InvalidPrice(f"not a number: {value!r}") from error
