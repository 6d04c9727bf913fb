"""Work that ends, or is set free, when its subscription is over; and places that end after their phase."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from billing import books, changes, clock, invoices, quota
from billing.models import Invoice, QuotaCounter, UsageEvent
from tenants.context import operator_context, tenant_context
from tests.billing.terms_of import act, bring, change, sell, subscribe, utc
from tests.billing.work import Customer, make_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START, MIDDLE, END = utc("2027-03-01T00:00"), utc("2027-03-11T00:00"), utc("2027-04-01T00:00")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def left(alice: Party, slug: str = "metered") -> Customer:
    """A customer of a plan at 10 an image who has one job under way and leaves in the middle of the period."""
    sell(slug, None, price="10", currencies=("usd", "eur"))
    customer = Customer(alice.tenant)
    subscribe(alice.tenant, slug, START)
    return customer


def all_invoices(customer: Customer) -> list[tuple[str, int]]:
    with tenant_context(customer.id):
        return list(Invoice.objects.order_by("sequence").values_list("state", "total"))


def test_work_that_ends_after_its_subscription_is_invoiced_by_itself(alice: Party) -> None:
    customer = left(alice)
    with clock.at(MIDDLE - DAY):
        jobs = [customer.reserve(3).job_id, customer.reserve(4).job_id]
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    with clock.at(MIDDLE + MINUTE):
        customer.settle(jobs[0])
    # one invoice for all of it: as long as work is unfinished, there may be more to come
    assert bring(MIDDLE + 2 * MINUTE) == []
    with clock.at(MIDDLE + 3 * MINUTE):
        customer.release(jobs[1])
    (invoice,) = bring(MIDDLE + 4 * MINUTE)
    assert (invoice.total, invoice.period_start, invoice.period_end) == (30, MIDDLE, MIDDLE + 4 * MINUTE)
    with tenant_context(customer.id):
        assert [line.params["prior"] for line in invoice.lines.all()] == [True]
        assert books.check(customer.id) == []
    assert bring(MIDDLE + DAY) == []


def test_late_work_can_be_invoiced_again_and_again(alice: Party) -> None:
    customer = left(alice)
    with clock.at(MIDDLE - DAY):
        job = customer.reserve(3).job_id
        customer.finish(2)
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    (first,) = final(customer)
    with clock.at(MIDDLE + MINUTE), tenant_context(customer.id):
        invoices.void(first, reason="wrong address", actor="test")
    with clock.at(MIDDLE + MINUTE):
        customer.settle(job)
    (second,) = bring(MIDDLE + DAY)
    with clock.at(MIDDLE + DAY), tenant_context(customer.id):
        invoices.void(second, reason="wrong address again", actor="test")
    (third,) = bring(MIDDLE + 2 * DAY)
    assert [first.total, second.total, third.total] == [20, 50, 50]
    assert bring(MIDDLE + 3 * DAY) == []
    with tenant_context(customer.id):
        assert books.check(customer.id) == []


def final(customer: Customer) -> list[Invoice]:
    with tenant_context(customer.id):
        return list(Invoice.objects.all())


def test_late_work_waits_for_the_invoice_of_the_subscription_that_followed(alice: Party) -> None:
    customer = left(alice)
    with clock.at(MIDDLE - DAY):
        job = customer.reserve(3).job_id
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    subscribe(alice.tenant, "metered", MIDDLE + MINUTE)
    with clock.at(MIDDLE + DAY):
        customer.settle(job)
    assert bring(MIDDLE + 2 * DAY) == []
    assert [each.total for each in bring(utc("2027-04-12T00:00"))] == [30]


def test_late_work_does_not_wait_for_a_subscription_without_periods(alice: Party) -> None:
    customer = left(alice)
    with clock.at(MIDDLE - DAY):
        job = customer.reserve(3).job_id
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    subscribe(alice.tenant, "trial", MIDDLE + MINUTE)
    with clock.at(MIDDLE + DAY):
        customer.settle(job)
    assert [each.total for each in bring(MIDDLE + 2 * DAY)] == [30]


def test_work_of_the_very_moment_in_which_a_subscription_ends_is_invoiced(alice: Party) -> None:
    customer = left(alice)
    with clock.at(MIDDLE):
        customer.finish(2)
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    bring(MIDDLE + MINUTE)
    assert all_invoices(customer) == [("open", 20)]


def test_late_work_that_costs_nothing_is_an_invoice_of_nothing_like_any_other(alice: Party) -> None:
    subscribe(alice.tenant, "trial", START)
    customer = Customer(alice.tenant)
    with clock.at(START + DAY):
        job = customer.reserve().job_id
    act(alice.tenant, MIDDLE, changes.cancel, when="now")
    with clock.at(MIDDLE + MINUTE):
        customer.settle(job)
    bring(MIDDLE + DAY)
    assert all_invoices(customer) == [("paid", 0)]


def test_settling_again_gives_the_same_event_though_an_earlier_place_had_expired(alice: Party) -> None:
    """A retried job has an expired place beside the one that was settled: that one is not for charging it again."""
    customer = left(alice)
    sell("dearer", None, price="30")
    job = uuid4()
    with clock.at(START + DAY):
        customer.reserve(3, job)
    quota.expire_overdue(MIDDLE)
    change(alice.tenant, MIDDLE, "dearer")
    with clock.at(MIDDLE + MINUTE):
        customer.reserve(3, job)
        event = customer.settle(job)
        assert customer.settle(job) == event
    with tenant_context(customer.id):
        assert UsageEvent.objects.count() == 1


def test_a_place_that_is_given_back_after_a_change_of_plan_is_free_in_the_new_phase(alice: Party) -> None:
    sell("ten", None, limit=10, hard=True)
    sell("twenty", None, limit=20, hard=True)
    customer = Customer(alice.tenant)
    subscribe(alice.tenant, "ten", START)
    with clock.at(START + DAY):
        failing, expiring, lasting = (customer.reserve(3).job_id for _ in range(3))
    change(alice.tenant, MIDDLE, "twenty")
    with clock.at(MIDDLE + MINUTE):
        customer.reserve(11)
        assert customer.release(failing)
        customer.reserve(3)
        state = customer.state()
        assert state.used + state.reserved == 20
        customer.settle(lasting)
        assert customer.state().used == 6
    quota.expire_overdue(MIDDLE)
    with clock.at(MIDDLE + MINUTE):
        assert customer.state().used == 3
        customer.reserve(3)
        # finished after all: nothing is refused, and the new phase knows that it is over its limit
        customer.settle(expiring)
        assert customer.state().used == 6
    with operator_context():
        assert list(QuotaCounter.objects.order_by("phase__starts_at").values_list("base", "overage")) == [
            (0, 0), (6, 3),
        ]  # fmt: skip


def test_nobody_pays_for_places_that_an_earlier_phase_gave_back(alice: Party) -> None:
    """A hundred are free. Those of the former plan that fail do not make the later ones dear."""
    graduated("basic", 300)
    graduated("better", 200)
    customer = Customer(alice.tenant)
    subscribe(alice.tenant, "basic", START)
    with clock.at(START + DAY):
        failing = customer.reserve(100).job_id
    change(alice.tenant, MIDDLE, "better")
    with clock.at(MIDDLE + MINUTE):
        assert customer.finish(10).amount == 2000
        customer.release(failing)
    (invoice,) = bring(END)
    assert invoice.total == 0
    with tenant_context(customer.id):
        assert books.check(customer.id) == []


def graduated(slug: str, beyond: int) -> None:
    make_plan(slug, tiers=[("100", "0"), (None, str(beyond))])
