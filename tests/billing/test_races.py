"""What must hold when everybody comes at once, on the database that the settings name; and controls that break it."""

from __future__ import annotations

from decimal import Decimal
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError
from django.db.models import Q

from billing import clock, counters, cycle, quota
from billing.errors import ConcurrencyLimit, QuotaExceeded
from billing.models import Invoice, QuotaCounter, Reservation, UsageEvent
from tenants.context import operator_context, tenant_context
from tests.billing.race import failures, race
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party, make_party

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT, CROWD = 10, 50


@pytest.fixture
def alice(transactional_db: None) -> Party:
    """The tenant, in a database that other connections see."""
    return make_party("alice")


def places_taken(customer: Customer) -> int:
    with tenant_context(customer.id):
        return int(Reservation.objects.count())


def test_fifty_at_once_against_a_quota_of_ten_accept_exactly_ten(alice: Party) -> None:
    make_plan("small", limit=LIMIT, hard=True)
    customer = on_plan(alice.tenant, "small")
    outcomes = race(CROWD, lambda _: customer.reserve())
    assert places_taken(customer) == LIMIT
    assert all(isinstance(error, QuotaExceeded) for error in failures(outcomes))
    assert len(failures(outcomes)) == CROWD - LIMIT
    assert (customer.state().used, customer.state().reserved) == (0, LIMIT)


def test_control_looking_first_and_taking_later_sells_more_than_there_is(alice: Party) -> None:
    """The same race by check-then-act, without the conditional UPDATE: must oversell, or that test proves nothing."""
    make_plan("unguarded", limit=LIMIT, hard=False)
    customer = on_plan(alice.tenant, "unguarded")
    all_have_looked = Barrier(CROWD)

    def check_then_act(_: int) -> None:
        state = customer.state()
        assert state.limit is not None
        room = state.used + state.reserved + 1 <= state.limit
        all_have_looked.wait()
        if room:
            customer.reserve()

    assert failures(race(CROWD, check_then_act)) == []
    assert places_taken(customer) > LIMIT


def test_control_without_the_condition_the_database_still_refuses(
    alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plan("small", limit=LIMIT, hard=True)
    customer = on_plan(alice.tenant, "small")
    monkeypatch.setattr(counters, "has_room", lambda counter, metered: True)
    monkeypatch.setattr(counters, "_room_for", lambda metered: Q())
    outcomes = race(CROWD, lambda _: customer.reserve())
    assert places_taken(customer) == LIMIT
    assert all(isinstance(error, IntegrityError) for error in failures(outcomes))


def test_jobs_at_once_get_adjacent_places_and_together_pay_the_price_list(alice: Party) -> None:
    make_plan("ladder", tiers=[("5", "0"), ("12", "10.5"), (None, "3")])
    customer = on_plan(alice.tenant, "ladder")
    assert failures(race(20, lambda _: customer.reserve())) == []
    with tenant_context(customer.id):
        amounts = sorted(Reservation.objects.values_list("amount", flat=True))
    assert amounts == sorted([Decimal(0)] * 5 + [Decimal("10.5")] * 7 + [Decimal(3)] * 8)


def test_a_crowd_is_held_to_the_jobs_in_flight(alice: Party) -> None:
    make_plan("narrow", max_in_flight=3)
    customer = on_plan(alice.tenant, "narrow")
    refused = failures(race(20, lambda _: customer.reserve()))
    assert places_taken(customer) == 3
    assert {type(error) for error in refused} == {ConcurrencyLimit}


def test_many_that_settle_one_job_write_one_event(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    job = customer.reserve().job_id
    events = race(10, lambda _: customer.settle(job).id)
    assert len(set(events)) == 1
    with tenant_context(customer.id):
        assert UsageEvent.objects.count() == 1
    assert customer.state().used == 1


def test_a_job_that_is_settled_and_released_at_once_ends_one_way(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    jobs = [customer.reserve().job_id for _ in range(10)]

    def end(number: int) -> UUID | bool:
        job = jobs[number // 2]
        return customer.release(job) if number % 2 else customer.settle(job).id

    race(20, end)
    with tenant_context(customer.id):
        settled = UsageEvent.objects.count()
        counter = QuotaCounter.objects.get()
    assert (counter.used, counter.reserved) == (settled, 0)


def test_sweepers_at_once_expire_each_place_once(alice: Party) -> None:
    make_plan("wide")
    customer = on_plan(alice.tenant, "wide")
    reservations = [customer.reserve() for _ in range(12)]
    latest = max(each.expires_at for each in reservations)
    expired = race(4, lambda _: quota.expire_overdue(latest))
    assert failures(expired) == []
    assert customer.state().reserved == 0
    assert sum(count for count in expired if isinstance(count, int)) == 12


def test_invoices_closed_at_once_get_numbers_without_a_gap(transactional_db: None) -> None:
    customers = [on_plan(make_party(f"tenant{number}").tenant, "per-service") for number in range(8)]
    for customer in customers:
        customer.finish()

    def cancel(number: int) -> None:
        with tenant_context(customers[number].id):
            subscription = quota.subscription_of(customers[number].id)
            assert subscription is not None
            cycle.end(subscription, actor="test")
            if number % 4 == 3:
                raise RuntimeError("a transaction that is rolled back must not take a number along")

    race(8, cancel)
    with operator_context():
        numbers = sorted(Invoice.objects.values_list("sequence", flat=True))
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_one_period_is_closed_once_by_many(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    customer.finish()
    end = customer.reserve(job_id=uuid4()).counter.period_end
    assert end is not None
    closed = race(6, lambda _: cycle.close_due(end))
    assert failures(closed) == []
    with clock.at(end), tenant_context(customer.id):
        assert Invoice.objects.count() == 1
