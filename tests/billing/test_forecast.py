"""The forecast: a straight line for quantities, the ladder for their price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import catalogue, changes, clock
from billing.domain.forecast import PoolUse, cost_at_end, used_at_end
from billing.domain.periods import Period
from billing.domain.rating import PriceModel, PriceRule, Tier, rate
from billing.forecast import forecast
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer
from tests.conftest import make_party

START = datetime(2026, 4, 1, tzinfo=UTC)
APRIL = Period(START, datetime(2026, 5, 1, tzinfo=UTC))
D = Decimal
LADDER = PriceRule(PriceModel.GRADUATED, tiers=(Tier(D(10), D(0)), Tier(D(20), D(5)), Tier(None, D(3))))
EACH = PriceRule(PriceModel.PER_UNIT, amount=D(7))


def pool(used: str, rule: PriceRule = EACH, **more: object) -> PoolUse:
    return PoolUse(rule, D(used), rate(rule, D(used)), **more)  # type: ignore[arg-type]


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("used", "day", "at_end"),
    [("10", 10, "30"), ("1", 7, "4.285714"), ("2", 15, "4"), ("0", 3, "0"), ("5", 30, "5"), ("5", 40, "5")],
)
def test_a_quantity_goes_on_in_a_straight_line(used: str, day: int, at_end: str) -> None:
    assert used_at_end(pool(used), APRIL, START + timedelta(days=day)) == D(at_end)


@pytest.mark.database_free
def test_the_first_day_counts_whole_and_half_an_analysis_is_none() -> None:
    assert used_at_end(pool("2"), APRIL, START + timedelta(minutes=3)) == 60
    assert used_at_end(pool("1", whole_units=True), APRIL, START + timedelta(days=7)) == 4


@pytest.mark.database_free
def test_what_comes_is_rated_at_the_places_that_it_will_take() -> None:
    # 12 used: 10 free and 2 at 5; the 18 to come are 8 at 5 and 10 at 3
    assert cost_at_end(pool("12", LADDER), D(30)) == 10 + 8 * 5 + 10 * 3
    # 12 of an earlier phase stand before, 5 more of an add-on come free
    later = PoolUse(LADDER, D(2), D(0), base=D(12), included=D(5))
    assert cost_at_end(later, D(10)) == 7 * 5


@pytest.mark.database_free
def test_it_is_never_more_than_the_ladder_wants_for_all_in_one_go() -> None:
    dear = PoolUse(EACH, D(2), D(99))
    assert cost_at_end(dear, D(4)) == 28


@pytest.mark.database_free
def test_a_period_without_an_end_has_none() -> None:
    with pytest.raises(ValueError, match="without an end"):
        used_at_end(pool("1"), Period(START, None), START)


@pytest.mark.database_free
@given(used=st.decimals(0, 10**6, places=6), seconds=st.integers(0, 40 * 86400), base=st.decimals(0, 1000, places=6))
def test_it_is_exact_and_never_below_what_was_used(used: Decimal, seconds: int, base: Decimal) -> None:
    use = PoolUse(LADDER, used, rate(LADDER, used), base=base)
    at_end = used_at_end(use, APRIL, START + timedelta(seconds=seconds))
    assert at_end >= used
    assert cost_at_end(use, at_end) >= 0


@pytest.fixture
def customer(db: None) -> Customer:
    party = make_party("clinic")
    with clock.at(START), operator_context():
        catalogue.subscribe(party.tenant, "team", actor="test")
    return Customer(party.tenant)


def work(customer: Customer, day: int, jobs: int) -> None:
    with clock.at(START + timedelta(days=day)):
        for _ in range(jobs):
            customer.settle(customer.reserve().job_id)


def amount_at(customer: Customer, day: int) -> int:
    with clock.at(START + timedelta(days=day)), tenant_context(customer.id):
        found = forecast(customer.id)
    assert found is not None
    return found.amount


def test_the_forecast_of_a_plan_has_its_fee_and_its_ladder(customer: Customer) -> None:
    assert amount_at(customer, 1) == 19900
    work(customer, 9, 60)
    # 60 in ten days: 180 in thirty, 80 of them beyond the quota
    assert amount_at(customer, 10) == 19900 + 80 * 300


def test_a_pause_costs_no_fee_and_uses_nothing_more(customer: Customer) -> None:
    work(customer, 9, 3)
    with clock.at(START + timedelta(days=15)), tenant_context(customer.id):
        changes.pause(customer.id, actor="test")
    assert amount_at(customer, 20) == 19900 // 2


def test_a_plan_without_periods_and_no_plan_have_no_forecast(db: None) -> None:
    party = make_party("other")
    with tenant_context(party.tenant.id):
        assert forecast(party.tenant.id) is None
    with operator_context():
        catalogue.subscribe(party.tenant, "trial", actor="test")
    with tenant_context(party.tenant.id):
        assert forecast(party.tenant.id) is None
