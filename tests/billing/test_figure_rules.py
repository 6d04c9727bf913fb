"""Recurring revenue and how it moves, shares, costs and ages: the rules, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from billing.domain import figures
from billing.domain.figures import Age, Recurring
from billing.domain.periods import Interval

pytestmark = pytest.mark.database_free
MAY, JUNE = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
ANN, BEN, CAY, DEE, EVE = (uuid4() for _ in range(5))


def standing(**amounts: int) -> dict[UUID, Decimal]:
    customers = {"ann": ANN, "ben": BEN, "cay": CAY, "dee": DEE, "eve": EVE}
    return {customers[name]: Decimal(amount) for name, amount in amounts.items()}


def test_a_monthly_fee_counts_twelve_times_a_year_and_a_yearly_one_once() -> None:
    assert figures.annual(Decimal(19_900), Interval.MONTH) == 238_800
    assert figures.annual(Decimal(100), Interval.YEAR) == 100
    assert figures.annual(Decimal(500), Interval.MONTH, quantity=3) == 18_000


def test_a_fee_of_a_plan_without_periods_does_not_recur() -> None:
    assert figures.annual(Decimal(500), Interval.NONE) == 0


def test_a_twelfth_is_rounded_once_and_only_in_the_sum() -> None:
    # two yearly fees of 100: 8.33 each would make 16 of the rounded ones, the sum is 16.67
    both = [Recurring(each, Decimal(100), MAY, None) for each in (ANN, BEN)]
    yearly = sum(figures.standing(both, MAY).values())
    assert figures.monthly(Decimal(yearly)) == 17
    assert figures.monthly(Decimal(6)) == 1
    assert figures.monthly(Decimal("5.999")) == 0


def test_a_fee_counts_from_its_first_moment_and_no_longer_at_its_end() -> None:
    fee = [Recurring(ANN, Decimal(12), MAY, JUNE)]
    assert figures.standing(fee, MAY) == standing(ann=12)
    assert figures.standing(fee, JUNE) == {}
    assert figures.standing(fee, MAY - timedelta(microseconds=1)) == {}


def test_fees_of_one_customer_add_up() -> None:
    fees = [Recurring(ANN, Decimal(12), MAY, None), Recurring(ANN, Decimal("0.5"), MAY, None)]
    assert figures.standing(fees, MAY) == {ANN: Decimal("12.5")}


def test_each_change_has_one_name_and_together_they_are_the_difference() -> None:
    moved = figures.movement(
        standing(ann=1200, ben=2400, cay=600, dee=0), standing(ann=1800, ben=1200, dee=0, eve=300)
    )  # fmt: skip
    assert (moved.new, moved.expansion, moved.contraction, moved.churned) == (300, 600, 1200, 600)
    assert (moved.opening, moved.closing) == (4200, 3300)
    assert moved.opening + moved.new + moved.expansion - moved.contraction - moved.churned == moved.closing
    assert (moved.customers_opening, moved.customers_new, moved.customers_churned) == (4, 1, 1)


def test_a_pause_is_a_contraction_and_no_churn() -> None:
    moved = figures.movement(standing(ann=1200), standing(ann=0))
    assert (moved.contraction, moved.churned, moved.customers_churned) == (1200, 0, 0)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 3, "33.33"), (2, 3, "66.67"), (1, 800, "0.13"), (-1, 3, "-33.33"), (3, 3, "100.00")],
)
def test_a_share_has_two_digits_half_away_from_zero(part: int, whole: int, shown: str) -> None:
    assert str(figures.percent(part, whole)) == shown


def test_a_share_of_nothing_is_not_known() -> None:
    assert figures.percent(1, 0) is None


@pytest.mark.parametrize(
    ("ms", "per_hour", "cost"),
    [(3_600_000, "90", 90), (1_800_000, "1", 1), (1_799_999, "1", 0), (0, "90", 0), (1, "3600000", 1)],
)
def test_compute_time_costs_its_share_of_an_hour_rounded_once(ms: int, per_hour: str, cost: int) -> None:
    assert figures.compute_cost(ms, Decimal(per_hour)) == cost


def age(late: timedelta) -> Age:
    bounds = figures.age_bounds(JUNE)
    return next((found for earliest, found in bounds if JUNE - late >= earliest), Age.OLDER)


@pytest.mark.parametrize(
    ("days", "seconds", "found"),
    [
        (-1, 0, Age.NOT_DUE), (0, 0, Age.NOT_DUE), (0, 1, Age.MONTH), (30, 0, Age.MONTH), (30, 1, Age.TWO_MONTHS),
        (60, 0, Age.TWO_MONTHS), (60, 1, Age.THREE_MONTHS), (90, 0, Age.THREE_MONTHS), (90, 1, Age.OLDER),
    ],
)  # fmt: skip
def test_a_day_of_lateness_that_has_begun_counts_whole(days: int, seconds: int, found: Age) -> None:
    assert age(timedelta(days=days, seconds=seconds)) == found


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    months = figures.months_before(datetime(2027, 2, 1, tzinfo=UTC), 3)
    assert [f"{month:%Y-%m}" for month in months] == ["2026-12", "2027-01", "2027-02", "2027-03"]
