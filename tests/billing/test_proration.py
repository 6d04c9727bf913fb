"""The parts of a period sum to the whole, however it is cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.money import exact_arithmetic, round_half_up
from billing.domain.periods import Period
from billing.domain.proration import prorated
from tests.billing.properties import refuted

START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
MONTH = Period(START, datetime(2027, 2, 28, 9, 30, tzinfo=UTC))
LENGTH = 28 * 86_400_000_000
fees = st.decimals(min_value=-100_000, max_value=100_000, places=12)
cuts = st.lists(st.integers(0, LENGTH), max_size=12)
Prorated = Callable[[Decimal, Period, Period], Decimal]


def parts_of(cuts: list[int]) -> list[Period]:
    edges = [0, *sorted(cuts), LENGTH]
    moments = [START + timedelta(microseconds=edge) for edge in edges]
    return [Period(start, end) for start, end in pairwise(moments)]


def sums_to_the_whole(fee: Decimal, cuts: list[int], share: Prorated = prorated) -> None:
    with exact_arithmetic():
        assert sum((share(fee, part, MONTH) for part in parts_of(cuts)), Decimal(0)) == fee


@given(fees, cuts)
def test_the_parts_of_a_period_sum_to_the_whole(fee: Decimal, cuts: list[int]) -> None:
    sums_to_the_whole(fee, cuts)


def test_control_parts_that_are_rounded_alone_do_not_sum_to_the_whole() -> None:
    def alone(fee: Decimal, part: Period, whole: Period) -> Decimal:
        assert part.end is not None
        return prorated(fee, Period(START, START + (part.end - part.start)), whole)

    assert refuted(lambda fee, cuts: sums_to_the_whole(fee, cuts, alone), fees, cuts)


@given(fees, fees, st.integers(0, LENGTH))
def test_up_and_down_at_the_same_instant_nets_to_nothing(old: Decimal, new: Decimal, cut: int) -> None:
    rest = Period(START + timedelta(microseconds=cut), MONTH.end)
    lines = [prorated(fee, rest, MONTH) for fee in (-old, new, -new, old)]
    assert sum(lines) == 0
    assert sum(round_half_up(line) for line in lines) == 0


@given(fees, st.integers(0, LENGTH))
def test_no_time_costs_nothing(fee: Decimal, cut: int) -> None:
    moment = START + timedelta(microseconds=cut)
    assert prorated(fee, Period(moment, moment), MONTH) == 0


@given(fees.filter(lambda fee: fee >= 0), cuts)
def test_no_part_is_negative_or_more_than_the_whole(fee: Decimal, cuts: list[int]) -> None:
    assert all(0 <= prorated(fee, part, MONTH) <= fee for part in parts_of(cuts))


def test_half_the_seconds_cost_half() -> None:
    assert prorated(Decimal(2900), Period(START, START + timedelta(days=14)), MONTH) == 1450


def test_a_third_is_rounded_at_the_twelfth_digit_and_the_rest_makes_it_up() -> None:
    whole = Period(START, START + timedelta(seconds=3))
    seconds = [START + timedelta(seconds=second) for second in range(4)]
    parts = [Period(start, end) for start, end in pairwise(seconds)]
    shares = [str(prorated(Decimal(1), part, whole)) for part in parts]
    assert shares == ["0.333333333333", "0.333333333334", "0.333333333333"]


def test_moments_count_by_the_second_they_lie_in() -> None:
    late = timedelta(microseconds=999_999)
    assert prorated(Decimal(60), Period(START, START + late), MONTH) == 0
    minute = Period(START, START + timedelta(minutes=1))
    assert prorated(Decimal(60), Period(START + late, START + timedelta(seconds=1)), minute) == 1


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        (Period(START, None), MONTH),
        (MONTH, Period(START, None)),
        (Period(START - timedelta(days=1), START), MONTH),
        (Period(START, START + timedelta(days=29)), MONTH),
        (Period(START + timedelta(days=2), START + timedelta(days=1)), MONTH),
        (Period(START, START), Period(START, START + timedelta(milliseconds=5))),
    ],
)
def test_what_is_no_part_of_a_period_has_no_share(part: Period, whole: Period) -> None:
    with pytest.raises(ValueError, match=r"period|part"):
        prorated(Decimal(1), part, whole)
