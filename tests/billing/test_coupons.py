"""What coupons take off, and for how long."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.coupons import (
    CouponDuration,
    Discount,
    DiscountKind,
    discount_on,
    discounts_on,
    first_periods_left,
    next_periods_left,
)


def percent(value: str) -> Discount:
    return Discount(DiscountKind.PERCENT, percent=Decimal(value))


def amount(value: int) -> Discount:
    return Discount(DiscountKind.AMOUNT, amount=value)


discounts = st.lists(
    st.one_of(st.decimals(0, 100, places=4).map(lambda value: percent(str(value))), st.integers(0, 10_000).map(amount)),
    max_size=5,
)


@pytest.mark.parametrize(
    ("subtotal", "applied", "taken"),
    [
        (1000, [], []),
        (1000, [percent("25")], [250]),
        (1, [percent("50")], [1]),
        (333, [percent("10")], [33]),
        (335, [percent("10")], [34]),
        (1000, [amount(300), percent("10")], [300, 70]),
        (1000, [percent("10"), amount(300)], [100, 300]),
        (1000, [amount(5000), percent("10"), amount(1)], [1000, 0, 0]),
        (1000, [percent("100"), amount(1)], [1000, 0]),
        (0, [amount(5)], [0]),
        (-100, [amount(5), percent("50")], [0, 0]),
    ],
)
def test_each_coupon_takes_from_what_the_former_left(subtotal: int, applied: list[Discount], taken: list[int]) -> None:
    assert discounts_on(subtotal, applied) == taken
    assert discount_on(subtotal, applied) == sum(taken)


@given(st.integers(0, 10**9), discounts)
def test_nothing_is_taken_below_zero(subtotal: int, applied: list[Discount]) -> None:
    assert 0 <= discount_on(subtotal, applied) <= subtotal


@pytest.mark.parametrize(("share", "units"), [("-1", 0), ("100.01", 0), ("0", -1)])
def test_a_discount_that_would_add_to_the_bill_is_refused(share: str, units: int) -> None:
    with pytest.raises(ValueError, match="discount"):
        Discount(DiscountKind.PERCENT, Decimal(share), units)


@pytest.mark.parametrize(
    ("duration", "periods", "lefts"),
    [
        (CouponDuration.ONCE, None, [1, 0, 0]),
        (CouponDuration.REPEATING, 3, [3, 2, 1, 0, 0]),
        (CouponDuration.FOREVER, None, [None, None, None]),
    ],
)
def test_a_coupon_is_good_for_its_number_of_periods(
    duration: CouponDuration, periods: int | None, lefts: list[int | None]
) -> None:
    found = [first_periods_left(duration, periods)]
    while len(found) < len(lefts):
        found.append(next_periods_left(duration, found[-1]))
    assert found == lefts


def test_a_repeating_coupon_needs_its_number_of_periods() -> None:
    for periods in (None, 0):
        with pytest.raises(ValueError, match="number of periods"):
            first_periods_left(CouponDuration.REPEATING, periods)
    with pytest.raises(ValueError, match="number of periods"):
        next_periods_left(CouponDuration.REPEATING, None)
