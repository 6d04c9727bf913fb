"""Plans: draft, publish, offer, subscribe."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from billing import catalogue, seeds
from billing.errors import InvalidPlan, TrialUsed, UnknownPlan, VersionPublished
from billing.models import (
    EVERY_PLUGIN,
    Entitlement,
    Meter,
    Plan,
    PlanVersion,
    Price,
    Subscription,
    SubscriptionStatus,
    VersionState,
)
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


STANDARD = ["trial", "per-service", "pay-per-use", "team", "team-yearly", "prepaid"]


def test_a_fresh_database_has_the_standard_plans_and_an_add_on() -> None:
    assert [offer.version.plan.slug for offer in catalogue.offers()] == STANDARD
    assert [offer.version.plan.slug for offer in catalogue.offers(add_ons=True)] == ["extra-100"]
    assert all(plan.name_zh and plan.description_zh for plan in Plan.objects.all())


def test_seeding_again_changes_nothing() -> None:
    before = list(PlanVersion.objects.values_list("id", "number"))
    assert seeds.seed() == []
    assert list(PlanVersion.objects.values_list("id", "number")) == before


def test_a_plan_that_was_removed_from_the_offer_does_not_come_back() -> None:
    PlanVersion.objects.filter(plan__slug="team").update(state=VersionState.RETIRED)
    assert seeds.seed() == []
    with pytest.raises(UnknownPlan):
        catalogue.published("team")


def test_publishing_puts_the_new_version_in_the_place_of_the_old() -> None:
    first = make_plan("p")
    with operator_context():
        draft = catalogue.draft_from(first, actor="test")
        assert catalogue.draft_from(first, actor="test") == draft
        second = catalogue.publish(draft, actor="test")
    first.refresh_from_db()
    assert (first.state, second.state, second.number) == (VersionState.RETIRED, VersionState.PUBLISHED, 2)
    assert second.published_at is not None
    assert catalogue.published("p") == second


def test_a_draft_carries_the_same_terms() -> None:
    first = catalogue.published("pay-per-use")
    draft = catalogue.draft_from(first, actor="test")
    columns = ("meter", "plugin", "model", "amount", "tiers")
    assert list(draft.prices.values_list(*columns)) == list(first.prices.values_list(*columns))
    limits = ("plugin", "meter", "limit", "hard", "max_in_flight")
    assert list(draft.entitlements.values_list(*limits)) == list(first.entitlements.values_list(*limits))


def test_a_published_version_is_not_published_again() -> None:
    with pytest.raises(VersionPublished):
        catalogue.publish(catalogue.published("team"), actor="test")


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"up_to": "10", "unit_amount": "1"}],
        [{"up_to": None, "unit_amount": 0.5}],
        [{"up_to": None, "unit_amount": "x"}],
    ],
)
def test_a_draft_with_unsound_tiers_is_not_published(tiers: list[dict[str, object]]) -> None:
    draft = catalogue.draft_from(catalogue.published("team"), actor="test")
    draft.prices.filter(model="graduated").update(tiers=tiers)
    with pytest.raises(InvalidPlan):
        catalogue.publish(draft, actor="test")
    draft.refresh_from_db()
    assert draft.state == VersionState.DRAFT


def test_a_currency_is_written_in_one_way() -> None:
    draft = catalogue.draft_from(catalogue.published("team"), actor="test")
    PlanVersion.objects.filter(pk=draft.pk).update(currency="USD")
    with pytest.raises(InvalidPlan, match="no currency"):
        catalogue.publish(draft, actor="test")


def refused_changes(version: PlanVersion) -> dict[str, object]:
    price, entitlement = version.prices.all()[:1].get(), version.entitlements.all()[:1].get()
    same_price, meter = Price.objects.filter(pk=price.pk), Meter.objects.get(slug="request")
    return {
        "the currency": lambda: PlanVersion.objects.filter(pk=version.pk).update(currency="eur"),
        "the state, back": lambda: PlanVersion.objects.filter(pk=version.pk).update(state="draft"),
        "the version away": lambda: PlanVersion.objects.filter(pk=version.pk)._raw_delete("default"),
        "a price": lambda: same_price.update(amount=1),
        "a price away": lambda: same_price._raw_delete("default"),
        "a price more": lambda: Price.objects.create(plan_version=version, meter=meter, amount=1),
        "an entitlement": lambda: Entitlement.objects.filter(pk=entitlement.pk).update(limit=99),
        "an entitlement away": lambda: Entitlement.objects.filter(pk=entitlement.pk).delete(),
        "an entitlement more": lambda: Entitlement.objects.create(plan_version=version, plugin="new"),
    }


@pytest.mark.parametrize(
    "change",
    ["the currency", "the state, back", "the version away", "a price", "a price away", "a price more",
     "an entitlement", "an entitlement away", "an entitlement more"],
)  # fmt: skip
def test_the_database_refuses_to_change_a_published_version(change: str) -> None:
    act = refused_changes(catalogue.published("per-service"))[change]
    with operator_context(), pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        act()  # type: ignore[operator]


def test_a_price_can_not_be_moved_into_a_published_version() -> None:
    version = catalogue.published("per-service")
    draft = catalogue.draft_from(catalogue.published("team"), actor="test")
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        draft.prices.update(plan_version=version)


def test_a_draft_can_be_changed_and_thrown_away() -> None:
    draft = catalogue.draft_from(catalogue.published("per-service"), actor="test")
    draft.prices.update(amount=1)
    draft.currency = "eur"
    draft.save()
    with operator_context():
        draft.delete()
    assert not PlanVersion.objects.filter(pk=draft.pk).exists()


def test_a_new_plan_means_a_new_subscription_and_the_end_of_the_old(alice: Party) -> None:
    on_plan(alice.tenant, "trial")
    on_plan(alice.tenant, "team")
    with tenant_context(alice.tenant.id):
        old, new = Subscription.objects.order_by("created_at")
    assert (old.status, new.status) == (SubscriptionStatus.CANCELED, SubscriptionStatus.ACTIVE)
    assert old.canceled_at is not None


def test_the_same_plan_again_is_the_same_subscription(alice: Party) -> None:
    with operator_context():
        first = catalogue.subscribe(alice.tenant, "trial", actor="test")
        assert first.status == SubscriptionStatus.TRIALING
        assert catalogue.subscribe(alice.tenant.id, "trial", actor="test") == first


def test_a_trial_is_had_once(alice: Party) -> None:
    on_plan(alice.tenant, "trial")
    on_plan(alice.tenant, "per-service")
    with pytest.raises(TrialUsed):
        on_plan(alice.tenant, "trial")


def test_a_plan_that_is_not_on_offer_is_unknown(alice: Party) -> None:
    with pytest.raises(UnknownPlan):
        on_plan(alice.tenant, "gold")


def test_changes_of_plans_and_subscriptions_are_in_the_audit_log(alice: Party) -> None:
    on_plan(alice.tenant, "trial")
    on_plan(alice.tenant, "team")
    catalogue.publish(catalogue.draft_from(catalogue.published("team"), actor="olga"), actor="olga")
    with operator_context():
        actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"subscription.started", "subscription.canceled", "plan.drafted", "plan.published"} <= actions


def test_the_price_of_a_plugin_is_that_of_the_tenants_plan(alice: Party) -> None:
    on_plan(alice.tenant, "per-service")
    with tenant_context(alice.tenant.id):
        digits = catalogue.price_for(alice.tenant.id, "digits", "image")
        other = catalogue.price_for(alice.tenant.id, "xray", "image")
    assert digits is not None
    assert other is not None
    assert (digits.amount, digits.currency, digits.model, digits.unit) == (10, "usd", "per_unit", "analysis")
    assert (other.amount, other.plugin) == (500, EVERY_PLUGIN)


def test_the_price_shown_is_that_of_the_next_unit(alice: Party) -> None:
    make_plan("ladder", tiers=[("1", "0"), (None, "30.5")])
    customer: Customer = on_plan(alice.tenant, "ladder")
    shown = []
    for _ in range(2):
        with tenant_context(customer.id):
            price = catalogue.price_for(customer.id, "xray", "image")
        assert price is not None
        shown.append((price.amount, price.exact, price.included))
        customer.finish()
    assert shown == [(0, 0, 1), (31, Decimal("30.5"), 1)]


def test_a_plugin_out_of_the_plan_has_no_price(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        assert catalogue.price_for(alice.tenant.id, "xray", "image") is None
    on_plan(alice.tenant, "pay-per-use")
    with tenant_context(alice.tenant.id):
        assert catalogue.price_for(alice.tenant.id, "xray", "parsec") is None
