"""Coupons: what they take off an invoice, and for how many periods. Whole minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.domain.money import ZERO, exact_arithmetic, round_half_up

HUNDRED = Decimal(100)


class DiscountKind(StrEnum):
    """A share of what is due, or an amount of it."""

    PERCENT = "percent"
    AMOUNT = "amount"


class CouponDuration(StrEnum):
    """For how many periods a coupon takes something off."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Discount:
    """`percent` of what is due, 0 to 100, or `amount` minor units. Raises `ValueError` for what would add to it."""

    kind: DiscountKind
    percent: Decimal = ZERO
    amount: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= HUNDRED:
            raise ValueError("a discount must be between 0 and 100 percent")
        if self.amount < 0:
            raise ValueError("a discount can not be negative")


def discount_on(subtotal: int, discounts: Sequence[Discount]) -> int:
    """What all discounts together take off: from nothing to the whole subtotal."""
    return sum(discounts_on(subtotal, discounts))


def discounts_on(subtotal: int, discounts: Sequence[Discount]) -> list[int]:
    """What each discount takes off, in order, each from what the former left. Percents are rounded half up, each once.

    A subtotal that is not above zero is left as it is.
    """
    taken: list[int] = []
    left = max(0, subtotal)
    for discount in discounts:
        taken.append(min(left, _wanted(discount, left)))
        left -= taken[-1]
    return taken


def _wanted(discount: Discount, left: int) -> int:
    if discount.kind == DiscountKind.AMOUNT:
        return discount.amount
    with exact_arithmetic():
        return round_half_up((left * discount.percent).scaleb(-2))


def first_periods_left(duration: CouponDuration, periods: int | None = None) -> int | None:
    """How many periods a new coupon is good for; None: all. Raises `ValueError` where a repeating one has no number."""
    if duration == CouponDuration.FOREVER:
        return None
    if duration == CouponDuration.ONCE:
        return 1
    if periods is None or periods < 1:
        raise ValueError("a repeating coupon needs a number of periods")
    return periods


def next_periods_left(duration: CouponDuration, left: int | None) -> int | None:
    """How many periods are left after one more invoice; None: all. At 0 the coupon takes nothing off any more."""
    if duration == CouponDuration.FOREVER:
        return None
    if duration == CouponDuration.ONCE:
        return 0
    if left is None:
        raise ValueError("a repeating coupon needs a number of periods")
    return max(0, left - 1)
