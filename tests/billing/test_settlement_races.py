"""Batches of finished work that meet: each other, a cancellation, the expiry of places; and controls that go wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from billing import books, counters, places, quota
from billing.models import QuotaCounter, Reservation, ReservationState, UsageEvent
from billing.quota import Finished
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.billing.wallet import cost_so_far, give, grants, offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party, make_party
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
JOBS, CROWD = 12, 6
POOLS = ("ct", "mr", "xray")


@pytest.fixture
def alice(transactional_db: None) -> Party:
    """The tenant, in a database that other connections see."""
    return make_party("alice")


def settle(customer: Customer, jobs: Sequence[UUID]) -> set[UUID]:
    with tenant_context(customer.id):
        return set(quota.settle_many(Finished(customer.id, job) for job in jobs))


def customer_of_pools(alice: Party) -> list[Customer]:
    """The tenant once for each plugin; each plugin has a counter of its own."""
    offer("pools", plugins=POOLS)
    on_plan(alice.tenant, "pools")
    return [Customer(alice.tenant, plugin) for plugin in POOLS]


def work(alice: Party) -> tuple[Customer, list[UUID]]:
    """Jobs under way in all pools, some of them paid from credits."""
    each = customer_of_pools(alice)
    give(each[0], 25)
    return each[0], [each[number % len(each)].reserve().job_id for number in range(JOBS)]


def totals(customer: Customer) -> tuple[int, int, int]:
    """Usage events, used and reserved units."""
    with tenant_context(customer.id):
        counted = list(QuotaCounter.objects.all())
        used, reserved = sum(each.used for each in counted), sum(each.reserved for each in counted)
        return UsageEvent.objects.count(), int(used), int(reserved)


def test_batches_with_the_same_jobs_in_any_order_settle_each_once(alice: Party) -> None:
    customer, jobs = work(alice)
    draw = random.Random(7)
    batches = [draw.sample(jobs, JOBS - number % 4) for number in range(CROWD)]
    outcomes = race(CROWD, lambda number: settle(customer, batches[number]))
    assert failures(outcomes) == []
    assert outcomes == [set(batch) for batch in batches]
    assert totals(customer) == (JOBS, JOBS, 0)
    assert cost_so_far(customer) == (10 * JOBS - 25, 0)
    assert [(grant.held, grant.consumed) for grant in grants(customer)] == [(0, 25)]
    with tenant_context(customer.id):
        assert books.check(customer.id) == []


def test_control_without_locks_two_batches_come_to_the_same_places(alice: Party, unlocked: Callable[..., None]) -> None:
    """The database's own constraints hold, and end one batch with an error instead of leaving its jobs out."""
    customer, jobs = work(alice)
    unlocked(counters, "use_many", 2)
    assert len(failures(race(2, lambda _: settle(customer, jobs)))) == 1
    assert totals(customer)[0] == JOBS


def batches_over_two_pools(alice: Party) -> tuple[Customer, list[list[UUID]]]:
    """Two batches that share no job, and two counters."""
    ct, mr, _ = customer_of_pools(alice)
    return ct, [[ct.reserve().job_id, mr.reserve().job_id] for _ in range(2)]


def settle_behind_a_held_counter(customer: Customer, batches: list[list[UUID]]) -> list[object]:
    """Both batches come to the later counter, one after the other, while somebody else holds it."""
    held, one_waits = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant_context(customer.id):
            QuotaCounter.objects.filter(pk=max(all_counters(customer))).select_for_update().get()
            held.set()
            wait_until(lambda: waiting_for_locks() >= 1, "the first batch at a lock")
            one_waits.set()
            wait_until(lambda: waiting_for_locks() >= 2, "the second batch at a lock")

    def act(number: int) -> None:
        if number == 2:
            hold()
            return
        assert (one_waits if number else held).wait(60)
        settle(customer, batches[number])

    return race(3, act)


def all_counters(customer: Customer) -> list[UUID]:
    return list(QuotaCounter.objects.for_tenant(customer.id).values_list("pk", flat=True))


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


def test_batches_that_share_counters_come_to_them_in_one_order(alice: Party) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time: there is no race to show")
    customer, batches = batches_over_two_pools(alice)
    assert failures(settle_behind_a_held_counter(customer, batches)) == []
    assert totals(customer) == (4, 4, 0)


def test_control_in_orders_of_their_own_batches_wait_each_for_the_other(
    alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time: there is no race to show")
    customer, batches = batches_over_two_pools(alice)
    turned = threading.local()
    in_order = counters._in_order
    monkeypatch.setattr(
        counters, "_in_order", lambda rows: in_order(rows).reverse() if turned.around else in_order(rows)
    )
    settle_plainly = settle

    def settle_turned(customer: Customer, jobs: Sequence[UUID]) -> set[UUID]:
        turned.around = jobs is batches[0]
        return settle_plainly(customer, jobs)

    monkeypatch.setitem(globals(), "settle", settle_turned)
    (failed,) = failures(settle_behind_a_held_counter(customer, batches))
    assert isinstance(failed, OperationalError)


def test_of_a_batch_and_cancellations_at_once_each_job_ends_one_way(alice: Party) -> None:
    customer, jobs = work(alice)

    def end(number: int) -> bool:
        return customer.release(jobs[number]) if number else bool(settle(customer, jobs))

    released = race(CROWD, end)
    assert failures(released) == []
    events, used, reserved = totals(customer)
    assert (events, used, reserved) == (JOBS - released[1:].count(True), events, 0)
    with tenant_context(customer.id):
        assert Reservation.objects.filter(state=ReservationState.SETTLED).count() == events
        assert books.check(customer.id) == []


def test_control_without_locks_a_job_is_settled_and_cancelled(alice: Party, unlocked: Callable[..., None]) -> None:
    customer, jobs = work(alice)
    unlocked(counters, "use_many", 2, (places, "give_back"))
    race(2, lambda number: customer.release(jobs[0]) if number else settle(customer, jobs[:1]))
    assert totals(customer) == (1, 1, JOBS - 2)


def test_a_batch_and_the_expiry_of_its_places_at_once_settle_all_of_it(alice: Party) -> None:
    customer, jobs = work(alice)

    def end(number: int) -> object:
        return settle(customer, jobs) if number else quota.expire_overdue(places.expiry())

    assert failures(race(2, end)) == []
    assert totals(customer) == (JOBS, JOBS, 0)
    assert sum(cost_so_far(customer)) == 10 * JOBS - 25
    with tenant_context(customer.id):
        assert set(Reservation.objects.values_list("state", flat=True)) == {ReservationState.SETTLED}
        assert books.check(customer.id) == []


def test_control_without_locks_a_place_is_settled_and_expires(alice: Party, unlocked: Callable[..., None]) -> None:
    customer, jobs = work(alice)
    with tenant_context(customer.id):
        (place,) = Reservation.objects.filter(job_id=jobs[0]).values_list("pk", flat=True)
    unlocked(counters, "use_many", 2, (places, "give_back"))
    race(2, lambda number: settle(customer, jobs[:1]) if number else places.expire(place, places.expiry()))
    assert totals(customer) == (1, 1, JOBS - 2)


def test_late_and_timely_work_of_several_batches_and_new_places_do_not_wait_in_a_circle(alice: Party) -> None:
    each = customer_of_pools(alice)
    jobs = [each[number % 3].reserve().job_id for number in range(JOBS)]
    quota.expire_overdue(places.expiry())
    give(each[0], 45, priority=10)
    give(each[0], 45)
    jobs += [each[number % 3].reserve().job_id for number in range(JOBS)]
    draw = random.Random(11)
    batches = [draw.sample(jobs, len(jobs)) for _ in range(CROWD)]

    def act(number: int) -> object:
        return each[number % 3].reserve() if number >= CROWD else settle(each[0], batches[number])

    assert failures(race(CROWD + 6, act)) == []
    assert totals(each[0]) == (2 * JOBS, 2 * JOBS, 6)
    assert [(grant.held, grant.consumed) for grant in grants(each[0])] == [(0, 45), (0, 45)]
    with tenant_context(each[0].id):
        assert books.check(each[0].id) == []
