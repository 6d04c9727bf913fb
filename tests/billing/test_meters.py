"""What a job adds to its meter, and what counters of later phases begin with."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing import clock, counters, places, quota, subscriptions
from billing.errors import PaymentRequired, QuotaExceeded
from billing.models import (
    Aggregation,
    CountedSubject,
    Entitlement,
    Plan,
    PlanVersion,
    Price,
    QuotaCounter,
    Subscription,
    SubscriptionAddOn,
    SubscriptionPhase,
)
from tenants.context import operator_context, tenant_context
from tests.billing.wallet import offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def levels(alice: Party) -> Customer:
    """At most ten at a time, ten for each step of the level."""
    offer("levels", aggregation=Aggregation.MAX, limit=10, hard=True)
    return on_plan(alice.tenant, "levels")


def patients(alice: Party) -> Customer:
    """Ten for each patient."""
    offer("patients", aggregation=Aggregation.UNIQUE)
    return on_plan(alice.tenant, "patients")


def test_a_meter_of_levels_charges_what_goes_beyond_the_highest(alice: Party) -> None:
    customer = levels(alice)
    assert [customer.finish(level).metered for level in (3, 2, 5, 5, Decimal("5.5"))] == [3, 0, 2, 0, Decimal("0.5")]
    assert customer.state().used == Decimal("5.5")
    assert customer.estimate(7).quote.exact == customer.reserve(7).amount == 15


def test_a_level_beyond_the_limit_is_refused_and_one_below_it_never(alice: Party) -> None:
    customer = levels(alice)
    customer.finish(10)
    with pytest.raises(QuotaExceeded):
        customer.reserve(Decimal("10.000001"))
    assert customer.finish(10).metered == 0


def test_a_level_that_is_given_back_may_be_reached_again(alice: Party) -> None:
    customer = levels(alice)
    high = customer.reserve(8)
    assert customer.reserve(6).metered == 0
    customer.release(high.job_id)
    assert customer.reserve(6).metered == 6


def test_a_meter_of_subjects_charges_each_once(alice: Party) -> None:
    customer = patients(alice)
    charged = [customer.reserve(4, subject=subject).metered for subject in ("a", "b", "a", "b", "c")]
    assert charged == [1, 1, 0, 0, 1]
    assert customer.estimate(subject="a").quote.exact == 0
    assert customer.estimate(subject="d").quote.exact == customer.reserve(subject="d").amount == 10


def test_work_without_a_subject_is_always_a_new_one(alice: Party) -> None:
    customer = patients(alice)
    assert [customer.reserve().metered for _ in range(2)] == [1, 1]


def test_a_subject_is_new_again_in_the_next_period(alice: Party) -> None:
    customer = patients(alice)
    end = customer.reserve(subject="a").counter.period_end
    assert end is not None
    with clock.at(end):
        assert customer.reserve(subject="a").metered == 1


def test_a_subject_whose_place_was_given_back_is_charged_to_the_next(alice: Party) -> None:
    customer = patients(alice)
    first = customer.reserve(subject="a")
    customer.release(first.job_id)
    assert customer.reserve(subject="a").metered == 1


def test_late_work_does_not_charge_a_subject_again(alice: Party) -> None:
    customer = patients(alice)
    late, lone = customer.reserve(subject="a"), customer.reserve(subject="b")
    quota.expire_overdue(places.expiry())
    customer.reserve(subject="a")
    assert (customer.settle(late.job_id).metered, customer.settle(lone.job_id).metered) == (0, 1)
    with tenant_context(customer.id):
        assert sorted(CountedSubject.objects.values_list("subject", flat=True)) == ["a", "b"]
        assert QuotaCounter.objects.get().used == 1


def test_late_work_charges_a_level_only_as_far_as_nobody_else_has(alice: Party) -> None:
    customer = levels(alice)
    late = customer.reserve(8)
    quota.expire_overdue(places.expiry())
    customer.finish(6)
    event = customer.settle(late.job_id)
    assert (event.metered, event.amount) == (2, 20)
    assert customer.state().used == 8


def test_one_tenants_subjects_are_not_known_to_another(alice: Party, charlie: Party) -> None:
    customer = patients(alice)
    other = on_plan(charlie.tenant, "patients")
    customer.reserve(subject="a")
    assert other.reserve(subject="a").metered == 1


def test_a_later_phase_goes_on_where_the_former_stopped(alice: Party) -> None:
    customer = limited(alice)
    customer.finish(3)
    customer.reserve(2)
    next_phase(customer, better(limit=12))
    reservation = customer.reserve(4)
    assert (reservation.counter.base, reservation.counter.limit) == (5, 12)
    # three of the four lie beyond the first six units
    assert reservation.amount == 3 * 7
    assert (customer.state().used, customer.state().reserved) == (5, 4)
    with pytest.raises(QuotaExceeded) as refusal:
        customer.reserve(4)
    assert (refusal.value.extra["used"], refusal.value.extra["reserved"]) == ("5", "4")
    assert refusal.value.extra["remaining"] == "3"


def test_a_phase_with_less_is_over_its_limit_and_refuses_until_the_period_ends(alice: Party) -> None:
    customer = limited(alice)
    customer.finish(8)
    next_phase(customer, better(limit=6))
    with pytest.raises(QuotaExceeded):
        customer.reserve()
    end = customer.state().resets_at
    assert end is not None
    assert customer.state().used == 8
    with clock.at(end):
        assert customer.reserve(6).counter.base == 0


def test_the_units_of_an_add_on_come_before_the_price_list_and_widen_the_limit(alice: Party) -> None:
    customer = limited(alice)
    customer.finish(1)
    add_on(customer, limit=4, quantity=2)
    counter = widened(customer)
    assert (counter.included, counter.limit) == (8, 18)
    assert customer.reserve(7).amount == 0
    # the ladder begins after the eight that are included
    assert customer.reserve(8).amount == 8 * 5
    with pytest.raises(QuotaExceeded):
        customer.reserve(3)


def test_a_new_counter_knows_the_add_ons(alice: Party) -> None:
    customer = limited(alice)
    add_on(customer, limit=4, quantity=1)
    estimate = customer.estimate(5)
    reservation = customer.reserve(5)
    assert (reservation.counter.included, reservation.counter.limit) == (4, 14)
    assert estimate.quote.exact == reservation.amount == 5


@pytest.mark.parametrize(("status", "advice"), [("paused", "resume"), ("suspended", "pay")])
def test_a_subscription_that_takes_no_work_says_what_to_do(alice: Party, status: str, advice: str) -> None:
    customer = limited(alice)
    with tenant_context(customer.id):
        Subscription.objects.update(status=status)
    with pytest.raises(PaymentRequired) as refusal:
        customer.reserve()
    assert advice in refusal.value.detail


def limited(alice: Party) -> Customer:
    """Ten units a month, five for each."""
    offer("basic", limit=10, hard=True, price="5")
    return on_plan(alice.tenant, "basic")


def better(*, limit: int) -> PlanVersion:
    """Another plan on the same meter: seven for each unit beyond the sixth."""
    with operator_context():
        meter = Entitlement.objects.get(plan_version__plan__slug="basic").meter
        version = PlanVersion.objects.create(plan=Plan.objects.create(slug="better", name="better"), number=1)
        tiers = [{"up_to": "6", "unit_amount": "0"}, {"up_to": None, "unit_amount": "7"}]
        Price.objects.create(plan_version=version, meter=meter, model="graduated", tiers=tiers)
        Entitlement.objects.create(plan_version=version, meter=meter, limit=limit, hard=True)
        return version


def next_phase(customer: Customer, version: PlanVersion) -> None:
    with tenant_context(customer.id):
        subscription = subscriptions.required(customer.id)
        now = clock.now()
        SubscriptionPhase.objects.filter(subscription=subscription).update(ends_at=now)
        SubscriptionPhase.objects.create(
            tenant_id=customer.id, subscription=subscription, plan_version=version, starts_at=now
        )  # fmt: skip
        Subscription.objects.update(plan_version=version)


def add_on(customer: Customer, *, limit: int, quantity: int) -> None:
    with operator_context():
        meter = Entitlement.objects.get(plan_version__plan__slug="basic").meter
        plan = Plan.objects.create(slug="more", name="more", is_addon=True)
        version = PlanVersion.objects.create(plan=plan, number=1)
        Entitlement.objects.create(plan_version=version, meter=meter, limit=limit)
        SubscriptionAddOn.objects.create(
            tenant_id=customer.id, subscription=subscriptions.required(customer.id), plan_version=version,
            quantity=quantity, starts_at=clock.now(),
        )  # fmt: skip


def widened(customer: Customer) -> QuotaCounter:
    with tenant_context(customer.id):
        subscription = subscriptions.required(customer.id)
        counters.widen(subscription, subscription.period)
        (counter,) = counters.of_period(subscription, subscription.period)
        return counter
