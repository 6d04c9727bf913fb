"""Places: what may begin, what it is quoted, and how it ends."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from billing import catalogue, clock, ledger, quota
from billing.errors import ConcurrencyLimit, FeatureNotInPlan, NoReservation, PaymentRequired, QuotaExceeded
from billing.models import (
    Account,
    Entitlement,
    OutboxMessage,
    Plan,
    PlanVersion,
    QuotaCounter,
    Reservation,
    ReservationState,
    UsageEvent,
)
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def test_a_job_is_reserved_settled_and_counted(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    reservation = customer.reserve()
    assert (customer.state().used, customer.state().reserved) == (0, 1)
    event = customer.settle(reservation.job_id)
    assert (customer.state().used, customer.state().reserved) == (1, 0)
    assert (event.job_id, event.quantity, event.unit) == (reservation.job_id, 1, "image")


def test_a_released_place_is_free_again_and_not_billed(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    job = customer.reserve().job_id
    assert customer.release(job)
    assert not customer.release(job)
    assert (customer.state().used, customer.state().reserved) == (0, 0)
    with tenant_context(customer.id):
        assert not UsageEvent.objects.exists()


def test_the_eleventh_job_of_a_trial_is_refused_with_what_is_left(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    for _ in range(9):
        customer.finish()
    customer.reserve()
    with pytest.raises(QuotaExceeded) as refusal:
        customer.reserve()
    assert refusal.value.code == "quota_exceeded"
    assert refusal.value.extra["limit"] == "10"
    assert (refusal.value.extra["used"], refusal.value.extra["reserved"]) == ("9", "1")
    assert refusal.value.extra["resets_at"] is None
    assert customer.state().reserved == 1


def test_a_refusal_tells_when_the_quota_starts_anew(alice: Party) -> None:
    make_plan("small", limit=1, hard=True)
    customer = on_plan(alice.tenant, "small")
    resets_at = customer.reserve().counter.period_end
    with pytest.raises(QuotaExceeded) as refusal:
        customer.reserve()
    assert resets_at is not None
    assert refusal.value.extra["resets_at"] == resets_at.isoformat().replace("+00:00", "Z")


def test_a_quantity_that_only_fits_in_part_is_refused_as_a_whole(alice: Party) -> None:
    make_plan("small", limit=10, hard=True)
    customer = on_plan(alice.tenant, "small")
    customer.reserve(Decimal("9.5"))
    with pytest.raises(QuotaExceeded):
        customer.reserve(Decimal("0.500001"))
    customer.reserve(Decimal("0.5"))
    assert customer.state().reserved == 10


def test_a_soft_limit_is_an_included_quota_and_work_goes_on_at_a_price(alice: Party) -> None:
    make_plan("soft", limit=2, tiers=[("2", "0"), (None, "30")])
    customer = on_plan(alice.tenant, "soft")
    assert [customer.finish().minor_units for _ in range(4)] == [0, 0, 30, 30]
    assert (customer.state().limit, customer.state().used, customer.state().hard) == (2, 4, False)


def test_without_a_subscription_payment_is_required(alice: Party) -> None:
    customer = Customer(alice.tenant)
    with pytest.raises(PaymentRequired):
        customer.reserve()
    with pytest.raises(PaymentRequired):
        customer.estimate()
    with tenant_context(customer.id):
        assert quota.states(customer.id) == []
        assert quota.subscription_of(customer.id) is None
        assert quota.entitlement(customer.id, "xray") is None


def test_a_plan_that_names_its_plugins_covers_no_other(alice: Party) -> None:
    version = make_plan("all")
    with operator_context():
        draft = catalogue.draft_from(version, actor="test")
        draft.entitlements.update(plugin="digits")
        draft.prices.update(plugin="digits")
        catalogue.publish(draft, actor="test")
    customer = on_plan(alice.tenant, "all")
    with pytest.raises(FeatureNotInPlan):
        customer.reserve()
    Customer(alice.tenant, "digits").finish()
    with tenant_context(customer.id):
        assert quota.entitlement(customer.id, "xray") is None
        assert quota.entitlement(customer.id, "digits") is not None


def test_a_unit_without_a_price_is_not_in_the_plan(alice: Party) -> None:
    on_plan(alice.tenant, "pay-per-use")
    with pytest.raises(FeatureNotInPlan):
        Customer(alice.tenant, "odd", "parsec").reserve()


@pytest.mark.parametrize("plan", ["trial", "per-service", "pay-per-use", "team"])
@pytest.mark.parametrize("unit", ["study", "series", "image", "request", "item", "1k_chars"])
def test_a_plugin_from_outside_is_billable_at_once_by_every_unit(alice: Party, plan: str, unit: str) -> None:
    event = on_plan(alice.tenant, plan, "brought-along", unit).finish(2)
    assert (event.unit, event.quantity) == (unit, 2)


def test_too_many_unfinished_jobs_are_refused_until_one_ends(alice: Party) -> None:
    make_plan("narrow", max_in_flight=2)
    customer = on_plan(alice.tenant, "narrow")
    first = customer.reserve()
    customer.reserve()
    with pytest.raises(ConcurrencyLimit) as refusal:
        customer.reserve()
    assert refusal.value.extra == {"limit": 2, "retry_after": 10}
    with tenant_context(customer.id):
        assert QuotaCounter.objects.get().reserved == 2
    customer.settle(first.job_id)
    customer.reserve()


def test_a_refusal_leaves_nothing_behind_even_when_the_transaction_goes_on(alice: Party) -> None:
    make_plan("narrow", max_in_flight=1)
    customer = on_plan(alice.tenant, "narrow")
    with tenant_context(customer.id):
        customer.reserve()
        with pytest.raises(ConcurrencyLimit):
            customer.reserve()
    assert customer.state().reserved == 1


def test_the_estimate_is_what_is_charged(alice: Party) -> None:
    make_plan("ladder", tiers=[("2", "0.333333333333"), ("5", "7.1"), (None, "2")])
    customer = on_plan(alice.tenant, "ladder")
    for quantity in ("1", "2.5", "0.000001", "4"):
        estimate = customer.estimate(Decimal(quantity)).quote
        event = customer.finish(Decimal(quantity))
        assert (estimate.exact, estimate.amount) == (event.amount, event.minor_units)
        assert (estimate.quantity, estimate.unit, estimate.currency) == (event.quantity, event.unit, event.currency)


def test_an_estimate_writes_nothing(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    (state,) = customer.estimate().quota
    assert (state.meter, state.limit, state.used, state.reserved, state.hard) == ("analysis", 10, 0, 0, True)
    with tenant_context(customer.id):
        assert not QuotaCounter.objects.exists()


def test_an_estimate_beyond_the_limit_still_tells_the_price(alice: Party) -> None:
    make_plan("small", limit=1, hard=True)
    customer = on_plan(alice.tenant, "small")
    customer.finish()
    assert customer.estimate().quote.amount == 10


def test_a_fixed_price_for_each_service_does_not_depend_on_its_size(alice: Party) -> None:
    on_plan(alice.tenant, "per-service")
    assert Customer(alice.tenant, "xray").finish(7).amount == 500
    assert Customer(alice.tenant, "digits").finish(7).amount == 10


def test_jobs_at_once_get_adjacent_places_on_the_ladder(alice: Party) -> None:
    make_plan("ladder", tiers=[("1", "0"), ("2", "10"), (None, "7")])
    customer = on_plan(alice.tenant, "ladder")
    assert [customer.reserve().amount for _ in range(4)] == [0, 10, 7, 7]


def test_settling_again_gives_the_same_event(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    job = customer.reserve().job_id
    assert customer.settle(job) == customer.settle(job)
    assert customer.state().used == 1
    with tenant_context(customer.id):
        assert ledger.balance(customer.id, Account.ACCRUED, "usd") == 500


def test_the_database_takes_one_usage_event_for_a_job_and_meter(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    first, second = customer.finish(), customer.reserve()
    with tenant_context(customer.id), pytest.raises(DatabaseError), transaction.atomic():
        UsageEvent.objects.create(
            tenant=alice.tenant, subscription=first.subscription, reservation=second, counter=first.counter,
            price=first.price, meter=first.meter, job_id=first.job_id, plugin="xray", unit="image", quantity=1,
            metered=1, amount=1, currency="usd", occurred_at=clock.now(),
        )  # fmt: skip


def test_a_job_holds_one_place_at_a_time(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    job = customer.reserve().job_id
    with pytest.raises(DatabaseError):
        customer.reserve(job_id=job)
    customer.release(job)
    customer.reserve(job_id=job)


def test_settling_writes_a_message_for_the_collector(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    event = customer.finish()
    with tenant_context(customer.id):
        message = OutboxMessage.objects.get(topic="usage.recorded")
    assert (message.topic, message.key) == ("usage.recorded", f"usage:{event.id.hex}")
    assert message.payload["job"] == str(event.job_id)


def test_work_without_a_place_can_not_be_settled(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    with pytest.raises(NoReservation):
        customer.settle(uuid4())
    released = customer.reserve().job_id
    customer.release(released)
    with pytest.raises(NoReservation):
        customer.settle(released)


def test_a_place_whose_time_is_over_is_given_back(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    reservation = customer.reserve()
    assert quota.expire_overdue(reservation.expires_at - timedelta(seconds=1)) == 0
    assert quota.expire_overdue(reservation.expires_at) == 1
    assert quota.expire_overdue(reservation.expires_at) == 0
    assert customer.state().reserved == 0
    assert not customer.release(reservation.job_id)


def test_a_renewed_place_lasts_longer(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    reservation = customer.reserve()
    with clock.at(reservation.expires_at - timedelta(seconds=1)), tenant_context(customer.id):
        assert quota.renew(customer.id, job_id=reservation.job_id)
    assert quota.expire_overdue(reservation.expires_at) == 0


def test_late_work_is_settled_even_beyond_the_limit_and_blocks_the_next(alice: Party) -> None:
    make_plan("small", limit=1, hard=True)
    customer = on_plan(alice.tenant, "small")
    late = customer.reserve()
    quota.expire_overdue(late.expires_at)
    customer.finish()
    event = customer.settle(late.job_id)
    assert event.amount == late.amount
    with tenant_context(customer.id):
        counter = QuotaCounter.objects.get()
        assert Reservation.objects.get(pk=late.pk).state == ReservationState.SETTLED
    assert (counter.used, counter.reserved, counter.overage) == (2, 0, 1)
    with pytest.raises(QuotaExceeded):
        customer.reserve()


def test_the_database_refuses_a_counter_beyond_its_limit(alice: Party) -> None:
    customer = on_plan(alice.tenant, "trial")
    customer.reserve()
    for wrong in ({"used": Decimal(11)}, {"reserved": Decimal(-1)}):
        with tenant_context(customer.id), pytest.raises(DatabaseError), transaction.atomic():
            QuotaCounter.objects.update(**wrong)


def test_a_quota_starts_anew_with_the_period_and_a_job_counts_where_it_was_reserved(alice: Party) -> None:
    make_plan("small", limit=2, hard=True)
    customer = on_plan(alice.tenant, "small")
    first = customer.reserve()
    customer.finish()
    resets_at = customer.state().resets_at
    assert resets_at is not None
    with clock.at(resets_at):
        assert customer.state().used == 0
        customer.settle(first.job_id)
        assert customer.state().used == 0
        customer.finish(2)
        assert customer.state().used == 2
    with tenant_context(customer.id):
        used = list(QuotaCounter.objects.order_by("period_start").values_list("used", "reserved"))
    assert used == [(2, 0), (2, 0)]


def test_a_subscription_to_a_new_version_keeps_the_old_prices(alice: Party) -> None:
    version = make_plan("fixed", price="10")
    customer = on_plan(alice.tenant, "fixed")
    with operator_context():
        draft = catalogue.draft_from(version, actor="test")
        draft.prices.update(amount="99")
        catalogue.publish(draft, actor="test")
    assert customer.finish().amount == 10


def test_places_and_use_of_another_tenant_are_out_of_sight(alice: Party, charlie: Party) -> None:
    owner, stranger = on_plan(alice.tenant, "trial"), on_plan(charlie.tenant, "trial")
    job = owner.reserve().job_id
    assert not stranger.release(job)
    with pytest.raises(NoReservation):
        stranger.settle(job)
    owner.settle(job)
    assert (owner.state().used, stranger.state().used) == (1, 0)
    with tenant_context(stranger.id):
        assert not UsageEvent.objects.exists()


def test_all_limits_of_a_plan_are_shown_before_the_first_job(alice: Party) -> None:
    version = make_plan("two", meter=None, limit=5)
    with operator_context():
        plan = Plan.objects.create(slug="mixed", name="mixed")
        mixed = PlanVersion.objects.create(plan=plan, number=1)
        for price in version.prices.all():
            price.pk, price.plan_version = uuid4(), mixed
            price.save(force_insert=True)
        Entitlement.objects.create(plan_version=mixed, plugin="xray", meter=version.prices.get().meter, limit=3)
        Entitlement.objects.create(plan_version=mixed, plugin="*", meter=None)
        catalogue.publish(mixed, actor="test")
    customer = on_plan(alice.tenant, "mixed")
    assert (customer.state().plugin, customer.state().limit) == ("xray", 3)
    Customer(alice.tenant, "other").finish()
    with tenant_context(customer.id):
        assert [(each.plugin, each.used) for each in quota.states(customer.id)] == [("*", 1), ("xray", 0)]
