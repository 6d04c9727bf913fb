"""Tax is rounded once; a division loses nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.tax import allocate, tax_on

nets = st.integers(-(10**9), 10**9)
rates = st.decimals(min_value=0, max_value=100, places=4)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any)


@pytest.mark.parametrize(
    ("net", "percent", "tax"),
    [(1000, "19", 190), (50, "19", 10), (1005, "10", 101), (-1005, "10", -101), (1004, "10", 100), (7, "0", 0)],
)
def test_tax_is_rounded_half_up(net: int, percent: str, tax: int) -> None:
    assert tax_on(net, Decimal(percent)) == tax


@given(nets, rates)
def test_the_tax_of_a_credit_mirrors_that_of_its_charge(net: int, percent: Decimal) -> None:
    assert tax_on(-net, percent) == -tax_on(net, percent)


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        tax_on(1, Decimal(-1))


@given(nets, weights)
def test_the_parts_sum_to_the_whole_and_each_is_near_its_share(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part * sum(weights) - total * weight) < sum(weights) for part, weight in zip(parts, weights, strict=True)
    )
    assert allocate(-total, weights) == [-part for part in parts]


def test_what_is_left_over_goes_to_the_largest_remainder_and_then_to_the_first() -> None:
    assert allocate(10, [1, 1, 1]) == [4, 3, 3]
    assert allocate(10, [1, 2, 4]) == [1, 3, 6]
    assert allocate(0, [0, 0]) == [0, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_a_whole_that_nobody_can_take_is_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(1, weights)
