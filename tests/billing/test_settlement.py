"""Batches of finished work: what they write is what job by job would have written; and what they may not do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing import books, clock, ledger, quota
from billing.models import (
    Account,
    Aggregation,
    CreditHold,
    Funding,
    LedgerTransaction,
    OutboxMessage,
    QuotaCounter,
    Reservation,
    UsageEvent,
)
from billing.quota import Finished
from tenants.context import operator_context, tenant_context
from tenants.querysets import WrongTenant
from tests.billing.terms_of import change, sell, subscribe, utc
from tests.billing.wallet import cost_so_far, give, grants, offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START, MIDDLE = utc("2027-03-01T00:00"), utc("2027-03-11T00:00")


def settle(customer: Customer, jobs: Iterable[UUID]) -> dict[UUID, UsageEvent]:
    with tenant_context(customer.id):
        return quota.settle_many([Finished(customer.id, job, 7) for job in jobs])


def written(customer: Customer) -> tuple[int, int, int]:
    """Usage events, accruals and messages about use."""
    with tenant_context(customer.id):
        return (
            UsageEvent.objects.count(),
            LedgerTransaction.objects.filter(kind="accrual").count(),
            OutboxMessage.objects.filter(topic="usage.recorded").count(),
        )


def test_a_batch_moves_the_shared_rows_by_its_sum_and_writes_each_fact_once(alice: Party) -> None:
    offer("invoiced", limit=100)
    customer = on_plan(alice.tenant, "invoiced")
    jobs = [customer.reserve(units).job_id for units in (1, 2, 3)]
    unfinished = customer.reserve(4)
    events = settle(customer, jobs)
    assert {job: (event.metered, event.amount, event.compute_ms) for job, event in events.items()} == {
        jobs[0]: (1, 10, 7), jobs[1]: (2, 20, 7), jobs[2]: (3, 30, 7),
    }  # fmt: skip
    assert written(customer) == (3, 3, 3)
    assert (customer.state().used, customer.state().reserved) == (6, unfinished.metered)
    assert cost_so_far(customer) == (60, 40)
    with tenant_context(customer.id):
        assert ledger.balance(customer.id, Account.ACCRUED, "usd") == 60
        assert books.check(customer.id) == []


def test_what_has_no_place_or_was_settled_drops_out_and_harms_no_other_job(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    fresh, before, released = (customer.reserve().job_id for _ in range(3))
    event = customer.settle(before)
    customer.release(released)
    events = settle(customer, [before, fresh, released, uuid4(), fresh])
    assert events.keys() == {before, fresh}
    assert events[before] == event
    assert written(customer) == (2, 2, 2)
    assert settle(customer, [before, fresh]) == events
    assert written(customer) == (2, 2, 2)


def test_a_batch_of_nothing_is_nothing(alice: Party) -> None:
    assert settle(on_plan(alice.tenant, "per-service"), []) == {}


def test_credits_of_several_grants_are_used_up_by_a_batch_in_burn_order(alice: Party) -> None:
    offer("from-credits", funding=Funding.PREPAID)
    customer = on_plan(alice.tenant, "from-credits")
    give(customer, 15, priority=10)
    give(customer, 100)
    jobs = [customer.reserve().job_id for _ in range(3)]
    events = settle(customer, jobs)
    assert [events[job].credited for job in jobs] == [10, 10, 10]
    assert [(grant.held, grant.consumed) for grant in grants(customer)] == [(0, 15), (0, 15)]
    with tenant_context(customer.id):
        assert set(CreditHold.objects.values_list("state", flat=True)) == {"consumed"}
        assert ledger.balance(customer.id, Account.ACCRUED, "usd") == 0
        assert books.check(customer.id) == []


def test_late_work_in_a_batch_is_charged_like_late_work_alone(alice: Party) -> None:
    offer("small", limit=2, hard=True)
    customer = on_plan(alice.tenant, "small")
    late = customer.reserve(2).job_id
    quota.expire_overdue(clock.now() + timedelta(days=30))
    give(customer, 5)
    timely = customer.reserve(2).job_id
    events = settle(customer, [timely, late])
    assert {job: (event.amount, event.credited) for job, event in events.items()} == {
        timely: (20, 5), late: (20, 0),
    }  # fmt: skip
    with tenant_context(customer.id):
        counter = QuotaCounter.objects.get()
        assert (counter.used, counter.reserved, counter.overage) == (4, 0, 2)
        assert set(Reservation.objects.values_list("state", flat=True)) == {"settled"}
        assert books.check(customer.id) == []


def test_late_work_takes_what_credits_there_are(alice: Party) -> None:
    offer("invoiced")
    customer = on_plan(alice.tenant, "invoiced")
    late = [customer.reserve().job_id for _ in range(3)]
    quota.expire_overdue(clock.now() + timedelta(days=30))
    give(customer, 25)
    events = settle(customer, late)
    assert sum(event.credited for event in events.values()) == 25
    assert cost_so_far(customer) == (5, 0)


def test_a_batch_over_several_phases_counts_each_job_where_it_began(alice: Party) -> None:
    sell("ten", None, limit=10, hard=True)
    sell("twenty", None, limit=20, hard=True)
    customer = Customer(alice.tenant)
    subscribe(alice.tenant, "ten", START)
    with clock.at(START + timedelta(days=1)):
        early = customer.reserve(3).job_id
    change(alice.tenant, MIDDLE, "twenty")
    with clock.at(MIDDLE + timedelta(minutes=1)):
        later = customer.reserve(4).job_id
        settle(customer, [later, early])
    with operator_context():
        counted = QuotaCounter.objects.order_by("phase__starts_at").values_list("base", "used", "reserved")
        assert list(counted) == [(0, 3, 0), (3, 4, 0)]


def test_subjects_that_a_batch_counts_late_are_counted_once(alice: Party) -> None:
    offer("patients", aggregation=Aggregation.UNIQUE)
    customer = on_plan(alice.tenant, "patients")
    first = customer.reserve(subject="patient").job_id
    quota.expire_overdue(clock.now() + timedelta(days=30))
    second = customer.reserve(subject="patient").job_id
    events = settle(customer, [first, second])
    assert (events[first].metered, events[second].metered) == (0, 1)


def test_the_operator_settles_a_batch_of_several_customers(alice: Party, charlie: Party) -> None:
    each = [on_plan(party.tenant, "per-service") for party in (alice, charlie)]
    finished = [Finished(customer.id, customer.reserve().job_id) for customer in each for _ in range(2)]
    with operator_context():
        events = quota.settle_many(finished)
    assert {job: event.tenant_id for job, event in events.items()} == {one.job_id: one.tenant_id for one in finished}
    assert [written(customer) for customer in each] == [(2, 2, 2), (2, 2, 2)]


def test_a_strangers_job_is_not_settled_by_a_batch(alice: Party, charlie: Party) -> None:
    owner, stranger = (on_plan(party.tenant, "per-service") for party in (alice, charlie))
    job, own = owner.reserve().job_id, stranger.reserve().job_id
    assert settle(stranger, [job, own]).keys() == {own}
    with pytest.raises(WrongTenant), tenant_context(stranger.id):
        quota.settle_many([Finished(owner.id, job)])
    assert written(owner) == (0, 0, 0)
    assert settle(owner, [job]).keys() == {job}


def test_a_batch_that_fails_in_the_middle_leaves_nothing(alice: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = on_plan(alice.tenant, "per-service")
    jobs = [customer.reserve().job_id for _ in range(3)]

    def failing(_: Any) -> None:
        raise ArithmeticError

    with monkeypatch.context() as broken:
        broken.setattr(quota.settlement.recording.outbox, "enqueue_all", failing)
        with pytest.raises(ArithmeticError):
            settle(customer, jobs)
    assert written(customer) == (0, 0, 0)
    assert (customer.state().used, customer.state().reserved) == (0, 3)
    assert settle(customer, jobs).keys() == set(jobs)


def test_a_batch_costs_what_its_jobs_cost_one_by_one(alice: Party, charlie: Party) -> None:
    tiers: list[tuple[str | None, str]] = [("5", "0"), ("12", "10.5"), (None, "3")]
    offer("ladder", tiers=tiers)
    together, alone = (on_plan(party.tenant, "ladder") for party in (alice, charlie))
    events = settle(together, [together.reserve(units).job_id for units in (3, 4, 5, 6)])
    single = [alone.settle(job) for job in [alone.reserve(units).job_id for units in (3, 4, 5, 6)]]
    assert sorted(event.amount for event in events.values()) == sorted(event.amount for event in single)
    assert sum((event.amount for event in single), Decimal(0)) == cost_so_far(together)[0]
