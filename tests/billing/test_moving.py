"""A new version of a plan: what it would mean for each subscriber, and moving them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import addons, catalogue, changes, clock, moving, terms
from billing.errors import VersionNotOffered
from billing.models import BillingInterval, PlanVersion, Price, Subscription
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent
from tests.billing.terms_of import act, bring, change, current, sell, spans, subscribe, totals, utc
from tests.billing.work import Customer
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START, END, NEXT = utc("2027-01-31T09:30"), utc("2027-02-28T09:30"), utc("2027-03-31T09:30")
DAY = timedelta(days=1)


def dearer(slug: str = "team", *, fee: str = "24900") -> PlanVersion:
    """A draft with another fee, 5 instead of 100 analyses included, and 250 for each further one."""
    draft = catalogue.draft_from(catalogue.published(slug), actor="test")
    with operator_context():
        draft.prices.filter(meter__isnull=True, currency="usd").update(amount=fee)
        tiers = [{"up_to": "5", "unit_amount": "0"}, {"up_to": None, "unit_amount": "250.5"}]
        draft.prices.filter(meter__isnull=False, currency="usd").update(tiers=tiers)
    return draft


def test_the_effect_is_told_before_it_is_published_to_the_last_digit(alice: Party, charlie: Party) -> None:
    subscribe(alice.tenant, "team", START)
    subscribe(charlie.tenant, "team", START)
    with clock.at(START + DAY):
        for _ in range(15):
            Customer(alice.tenant).finish()
    with clock.at(END + DAY):
        first, second = moving.effect(dearer())
    assert (first.tenant, first.tenant_name, first.version, first.period.start) == (alice.tenant.id, "alice", 1, START)
    assert (first.fee_before, first.fee_after) == (19900, 24900)
    assert (first.usage_before, first.usage_after) == (0, Decimal("2505.0"))
    assert first.difference == 5000 + Decimal("2505")
    assert (second.usage_before, second.usage_after, second.lost, second.obstacle) == (0, 0, [], "")
    assert current(alice.tenant, END + DAY).plan_version.number == 1  # type: ignore[union-attr]


def test_a_draft_that_changes_is_rated_as_it_is_now(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    with clock.at(START + DAY):
        Customer(alice.tenant).finish()
    draft = dearer()
    with clock.at(START + 2 * DAY):
        moving.effect(draft)
        Price.objects.filter(plan_version=draft, meter__isnull=False).update(
            tiers=[{"up_to": None, "unit_amount": "7"}]
        )
        (effect,) = moving.effect(draft)
    assert effect.usage_after == 7


def test_add_ons_count_under_both_versions(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, START, addons.add, "extra-100", 1)
    with clock.at(START + DAY):
        for _ in range(6):
            Customer(alice.tenant).finish()
        (effect,) = moving.effect(dearer())
    assert (effect.usage_before, effect.usage_after) == (0, 0)


def test_what_a_new_version_does_not_cover_is_named(alice: Party) -> None:
    subscribe(alice.tenant, "per-service", START)
    with clock.at(START + DAY):
        Customer(alice.tenant).finish()
        Customer(alice.tenant, "digits").finish()
    draft = catalogue.draft_from(catalogue.published("per-service"), actor="test")
    draft.entitlements.update(plugin="digits")
    with clock.at(START + 2 * DAY):
        (effect,) = moving.effect(draft)
    assert (effect.usage_before, effect.usage_after, effect.lost) == (510, 10, ["xray"])


def test_publishing_changes_nobodys_amounts(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    catalogue.publish(dearer(), actor="test")
    bring(END)
    assert totals(alice.tenant) == [(START, END, 19900)]


def test_subscribers_are_moved_now_to_the_second(alice: Party) -> None:
    sell("small", "1000")
    subscribe(alice.tenant, "small", START)
    half = START + (END - START) / 2
    version = sell("small", "3000")
    with clock.at(half):
        done = moving.move(version, actor="olga", when="now")
    assert (len(done.moved), done.left) == (1, {})
    bring(END)
    assert totals(alice.tenant) == [(START, END, 2000)]
    with tenant_context(alice.tenant.id):
        record = AuditEvent.objects.get(action="subscription.moved")
    assert (record.actor, record.detail["version"], record.detail["before"]) == ("olga", "small v2", "small v1")


def test_subscribers_are_moved_when_their_period_ends(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    version = catalogue.publish(dearer(), actor="test")
    with clock.at(START + DAY):
        assert len(moving.move(version, actor="olga", when="period_end").moved) == 1
    bring(NEXT)
    assert [each[2] for each in totals(alice.tenant)] == [19900, 24900]
    with clock.at(NEXT):
        assert moving.move(version, actor="olga", when="now").moved == []


def test_who_is_leaving_anyway_is_left_in_peace(alice: Party, charlie: Party) -> None:
    for party in (alice, charlie):
        subscribe(party.tenant, "team", START)
    act(alice.tenant, START + DAY, changes.cancel, when="period_end")
    change(charlie.tenant, START + DAY, "per-service", when="period_end")
    version = catalogue.publish(dearer(), actor="test")
    with clock.at(START + 2 * DAY):
        done = moving.move(version, actor="olga", when="period_end")
        assert (done.moved, set(done.left.values())) == ([], {"leaving"})
        assert len(moving.move(version, actor="olga", when="now").moved) == 2
    bring(END)
    assert current(alice.tenant, END) is None
    assert spans(charlie.tenant)[-1][0] == "per-service"


def test_who_pays_in_a_currency_that_is_not_sold_any_more_stays(alice: Party) -> None:
    sell("both", "1000", currencies=("usd", "eur"))
    subscribe(alice.tenant, "both", START, currency="eur")
    version = sell("both", "2000")
    with clock.at(START + DAY):
        (effect,) = moving.effect(version)
        done = moving.move(version, actor="olga", when="now")
    assert effect.obstacle == "currency_not_offered"
    assert set(done.left.values()) == {"currency_not_offered"}
    with tenant_context(alice.tenant.id):
        assert Subscription.objects.get().plan_version.number == 1


def test_nobody_is_moved_to_a_draft() -> None:
    with pytest.raises(VersionNotOffered):
        moving.move(dearer(), actor="olga", when="now")


def test_a_new_version_of_another_interval_starts_a_new_grid(alice: Party) -> None:
    sell("plan", "1000")
    subscribe(alice.tenant, "plan", START)
    version = sell("plan", "9000", interval=BillingInterval.YEAR)
    half = START + (END - START) / 2
    with clock.at(half):
        moving.move(version, actor="olga", when="now")
    assert totals(alice.tenant) == [(START, half, 500)]
    moved = current(alice.tenant, half)
    assert moved is not None
    assert moved.anchor == half


def test_terms_of_a_draft_are_never_kept() -> None:
    draft = dearer()
    before = terms.find(draft, "xray", "image").rule
    Price.objects.filter(plan_version=draft, meter__isnull=False).update(tiers=[{"up_to": None, "unit_amount": "7"}])
    assert terms.find(draft, "xray", "image").rule != before
