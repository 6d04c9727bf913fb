"""The last credit, the last unit below the cap, the last place: given once, whoever comes at once; and controls.

Several locks stand in a row before the money: the subscription's, the spending row's, the grants'. Each control takes
away what guards its own case, and must see it go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import alerts, clock, counters, credits, places, quota, spending
from billing.errors import PaymentRequired, QuotaExceeded, SpendingLimitReached
from billing.models import Aggregation, Alert, CountedSubject, Funding, OutboxMessage, Reservation
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.billing.wallet import available, cap, cost_so_far, give, grants, offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party, make_party

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 8
PLUGINS = tuple(f"plugin{number}" for number in range(CROWD))
"""Each with a pool of its own, so that no counter's lock stands before the money."""


@pytest.fixture
def alice(transactional_db: None) -> Party:
    """The tenant, in a database that other connections see."""
    return make_party("alice")


def crowd(alice: Party, slug: str) -> list[Customer]:
    """The tenant once for each plugin, their counters made."""
    on_plan(alice.tenant, slug)
    each = [Customer(alice.tenant, plugin) for plugin in PLUGINS]
    for customer in each:
        customer.reserve(0)
    return each


def places_that_cost(alice: Party) -> list[Reservation]:
    with tenant_context(alice.tenant.id):
        return [place for place in Reservation.objects.all() if place.amount]


def one_credit(alice: Party) -> list[Customer]:
    """Credits for one more job."""
    offer("from-credits", funding=Funding.PREPAID, plugins=PLUGINS)
    each = crowd(alice, "from-credits")
    give(each[0], 20)
    each[0].finish()
    return each


def test_the_last_credit_pays_for_one_job(alice: Party) -> None:
    each = one_credit(alice)
    refused = failures(race(CROWD, lambda number: each[number].reserve()))
    assert len(places_that_cost(alice)) == 2
    assert [type(error) for error in refused] == [PaymentRequired] * (CROWD - 1)
    (grant,) = grants(Customer(alice.tenant))
    assert (grant.consumed, grant.held, grant.available) == (10, 10, 0)


def test_control_without_locks_the_last_credit_is_sold_many_times(alice: Party, unlocked: Callable[..., None]) -> None:
    each = one_credit(alice)
    unlocked(credits, "burn", CROWD)
    race(CROWD, lambda number: each[number].reserve())
    assert len(places_that_cost(alice)) > 2


def nearly_capped(alice: Party) -> list[Customer]:
    """Ten are spent, fifteen are left: one more job."""
    offer("invoiced", plugins=PLUGINS)
    each = crowd(alice, "invoiced")
    each[0].finish()
    cap(each[0], hard=25)
    return each


def test_the_last_unit_below_the_cap_is_spent_once(alice: Party) -> None:
    each = nearly_capped(alice)
    refused = failures(race(CROWD, lambda number: each[number].reserve()))
    assert len(places_that_cost(alice)) == 2
    assert [type(error) for error in refused] == [SpendingLimitReached] * (CROWD - 1)
    assert cost_so_far(Customer(alice.tenant)) == (10, 10)


def test_control_without_locks_the_cap_is_passed(alice: Party, unlocked: Callable[..., None]) -> None:
    each = nearly_capped(alice)
    unlocked(spending, "hold", CROWD)
    race(CROWD, lambda number: each[number].reserve())
    assert sum(place.amount for place in places_that_cost(alice)) > 25


def test_the_last_place_of_a_quota_is_given_once(alice: Party) -> None:
    offer("small", limit=3, hard=True)
    customer = on_plan(alice.tenant, "small")
    customer.finish(2)
    outcomes = race(CROWD, lambda _: customer.reserve())
    assert [type(error) for error in failures(outcomes)] == [QuotaExceeded] * (CROWD - 1)
    assert (customer.state().used, customer.state().reserved) == (2, 1)


def test_control_looking_before_taking_gives_the_last_place_to_many(
    alice: Party, unlocked: Callable[..., None]
) -> None:
    """The conditional UPDATE taken apart: room is looked for first, and the place is taken on a soft limit."""
    offer("small", limit=3, hard=False)
    customer = on_plan(alice.tenant, "small")
    customer.finish(2)
    unlocked(counters, "hold", CROWD)

    def look_then_take(_: int) -> None:
        if customer.state().used + customer.state().reserved + 1 <= 3:
            customer.reserve()

    race(CROWD, look_then_take)
    assert customer.state().reserved > 1


def test_a_subject_is_counted_once_by_many(alice: Party) -> None:
    customer = patients(alice)
    outcomes = race(CROWD, lambda _: customer.reserve(subject="patient"))
    assert failures(outcomes) == []
    with tenant_context(customer.id):
        assert sorted(Reservation.objects.values_list("metered", flat=True)) == [0] * (CROWD - 1) + [1]


def test_control_without_locks_the_database_refuses_to_count_a_subject_twice(
    alice: Party, unlocked: Callable[..., None]
) -> None:
    customer = patients(alice)
    customer.reserve(subject="another")
    unlocked(counters, "hold", CROWD)
    outcomes = race(CROWD, lambda _: customer.reserve(subject="patient"))
    assert len(failures(outcomes)) == CROWD - 1
    with tenant_context(customer.id):
        assert CountedSubject.objects.filter(subject="patient").count() == 1


def patients(alice: Party) -> Customer:
    offer("patients", aggregation=Aggregation.UNIQUE)
    return on_plan(alice.tenant, "patients")


def test_work_that_ends_late_and_new_work_share_the_credits(alice: Party) -> None:
    """Ending does not lock the subscription: here the grant's own lock decides."""
    late, credit = late_jobs(alice)
    assert failures(race(CROWD, lambda number: late.settle(credit[number]))) == []
    (grant,) = grants(late)
    assert (grant.held, grant.consumed, grant.available) == (0, 25, 0)
    assert cost_so_far(late) == (Decimal(10 * CROWD - 25), 0)


def test_control_without_locks_late_work_uses_credits_twice(alice: Party, unlocked: Callable[..., None]) -> None:
    late, credit = late_jobs(alice)
    unlocked(credits, "burn", CROWD)
    race(CROWD, lambda number: late.settle(credit[number]))
    (grant,) = grants(late)
    paid = sum(place.credited for place in places_that_cost(alice) if place.state == "settled")
    assert (paid, cost_so_far(late)[0]) != (grant.consumed, Decimal(10 * CROWD - 25))


def late_jobs(alice: Party) -> tuple[Customer, list[Any]]:
    """Finished jobs whose places have expired, in different pools, and credits for two and a half of them."""
    offer("invoiced", plugins=PLUGINS)
    on_plan(alice.tenant, "invoiced")
    each = [Customer(alice.tenant, plugin).reserve() for plugin in PLUGINS]
    assert quota.expire_overdue(places.expiry()) == CROWD
    customer = Customer(alice.tenant)
    give(customer, 25)
    assert available(customer) == 25
    return customer, [place.job_id for place in each]


def test_an_alert_that_many_reach_is_raised_once(alice: Party) -> None:
    offer("soft", limit=CROWD)
    customer = on_plan(alice.tenant, "soft")
    assert failures(race(CROWD, lambda _: customer.reserve())) == []
    with tenant_context(customer.id):
        assert sorted(Alert.objects.values_list("threshold", flat=True)) == [50, 80, 100]
        assert OutboxMessage.objects.filter(topic="alert.raised").count() == 3


def test_the_same_alert_raised_at_once_is_one(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    place = customer.reserve()
    level = alerts.Level(
        alerts.AlertKind.QUOTA, "image:*", place.counter.period_start, Decimal(4), Decimal(5), Decimal(10)
    )  # fmt: skip

    def raise_it(_: int) -> None:
        with tenant_context(customer.id):
            alerts.check(customer.id, level)

    assert failures(race(CROWD, raise_it)) == []
    with tenant_context(customer.id):
        assert Alert.objects.count() == OutboxMessage.objects.filter(topic="alert.raised").count() == 1


def test_a_grant_with_a_cause_is_made_once_by_many(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    made = race(CROWD, lambda _: give(customer, 10, key="welcome").id)
    assert failures(made) == []
    assert len(set(made)) == 1
    assert available(customer) == 10


def test_sweepers_at_once_write_off_each_grant_once(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    over = clock.now() + timedelta(hours=1)
    for _ in range(3):
        give(customer, 10, expires_at=over)
    swept = race(4, lambda _: credits.expire_overdue(over))
    assert failures(swept) == []
    assert sum(count for count in swept if isinstance(count, int)) == 3
    assert [grant.expired for grant in grants(customer)] == [10, 10, 10]
