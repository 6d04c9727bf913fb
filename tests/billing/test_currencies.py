"""One currency for each customer, several for each plan; and features."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import catalogue, changes, customers, seeds
from billing.errors import CapsInAnotherCurrency, CurrencyFixed, CurrencyNotCollected, CurrencyNotOffered, InvalidPlan
from billing.models import Entitlement, Feature, Meter, Plan, PlanFeature, PlanVersion, Price
from tenants.context import operator_context, tenant_context
from tests.billing.terms_of import act, acting, bring, change, current, sell, subscribe, totals, utc
from tests.billing.work import Customer
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START, END = utc("2027-01-31T09:30"), utc("2027-02-28T09:30")
DAY = timedelta(days=1)


def test_the_standard_plans_are_sold_in_three_currencies() -> None:
    for offer in [*catalogue.offers(), *catalogue.offers(add_ons=True)]:
        assert offer.currencies == ["usd", "cny", "eur"]
    fees = {
        currency: next(price.amount for offer in catalogue.offers(currency) for price in offer.prices
                       if offer.version.plan.slug == "team" and price.unit is None)
        for currency in ("usd", "eur", "cny")
    }  # fmt: skip
    assert fees == {"usd": 19900, "eur": 17910, "cny": 139300}
    assert catalogue.offers("jpy") == []


def test_an_offer_shows_one_currency_at_a_time() -> None:
    for currency in (None, "eur"):
        for offer in catalogue.offers(currency):
            assert {price.currency for price in offer.prices} == {currency or "usd"} == {offer.currency}


def test_seeding_does_not_touch_what_the_operator_has_changed() -> None:
    draft = catalogue.draft_from(catalogue.published("team-yearly"), actor="test")
    draft.prices.filter(meter__isnull=True).update(amount=1)
    catalogue.publish(draft, actor="test")
    assert seeds.seed() == []
    assert catalogue.published("team-yearly").number == 2


def test_work_is_quoted_and_invoiced_in_the_customers_currency(alice: Party) -> None:
    subscribe(alice.tenant, "per-service", START, currency="cny")
    with acting(alice.tenant, START + DAY):
        price = catalogue.price_for(alice.tenant.id, "xray", "image")
        assert price is not None
        assert (price.amount, price.currency) == (3500, "cny")
        event = Customer(alice.tenant).finish()
    assert (event.amount, event.currency) == (3500, "cny")
    (invoice,) = bring(END)
    assert (invoice.subtotal, invoice.currency) == (3500, "cny")


def test_the_first_subscription_fixes_the_currency(alice: Party) -> None:
    subscribe(alice.tenant, "per-service", START, currency="eur")
    with tenant_context(alice.tenant.id):
        assert customers.of(alice.tenant.id).currency == "eur"
    subscribe(alice.tenant, "team", START)
    found = current(alice.tenant, START)
    assert found is not None
    assert found.currency == "eur"
    sell("dollars-only", "1000")
    with pytest.raises(CurrencyNotOffered):
        change(alice.tenant, START + DAY, "dollars-only")


def test_another_currency_is_chosen_only_when_nothing_stands_in_the_old(alice: Party) -> None:
    subscribe(alice.tenant, "per-service", START)
    with acting(alice.tenant, START + DAY):
        Customer(alice.tenant).finish()
    with pytest.raises(CurrencyFixed):
        subscribe(alice.tenant, "team", START + 2 * DAY, currency="eur")
    kept = current(alice.tenant, START + 2 * DAY)
    assert kept is not None
    assert (kept.plan_version.plan.slug, kept.currency) == ("per-service", "usd")


def test_after_a_trial_the_currency_is_free(alice: Party) -> None:
    subscribe(alice.tenant, "trial", START)
    subscribe(alice.tenant, "team", START + DAY, currency="cny")
    bring(utc("2027-03-01T09:30"))
    assert totals(alice.tenant)[-1][2] == 139300
    with tenant_context(alice.tenant.id):
        assert customers.of(alice.tenant.id).currency == "cny"


def draft_of(**prices: list[str]) -> PlanVersion:
    """A draft with a fee, or a price by image, in the currencies given."""
    version = PlanVersion.objects.create(plan=Plan.objects.create(slug="p", name="p"), number=1)
    image = Meter.objects.get(slug="image")
    for currency in prices.get("fee", []):
        Price.objects.create(plan_version=version, model="flat", amount=1, currency=currency)
    for currency in prices.get("use", []):
        Price.objects.create(plan_version=version, meter=image, amount=1, currency=currency)
    Entitlement.objects.create(plan_version=version, meter=image, limit=5)
    return version


@pytest.mark.parametrize(
    ("prices", "reason"),
    [
        ({"use": ["usd", "eur"], "fee": ["usd"]}, "in eur there is no price of \\* by period"),
        ({"use": ["usd"], "fee": ["usd", "eur"]}, "in eur there is no price of \\* by image"),
        ({"use": ["eur"]}, "no prices in its own currency usd"),
        ({"use": ["usd", "EUR"]}, "'EUR' is no currency"),
    ],
)
def test_a_version_is_sold_whole_in_each_of_its_currencies(prices: dict[str, list[str]], reason: str) -> None:
    with operator_context(), pytest.raises(InvalidPlan, match=reason):
        catalogue.publish(draft_of(**prices), actor="test")


@pytest.mark.parametrize(
    ("prices", "fields", "reason"),
    [
        ({}, {}, "needs a fee"),
        ({"fee": ["usd"], "use": ["usd"]}, {}, "no price of use"),
        ({"fee": ["usd"]}, {"interval": "none"}, "needs periods"),
        ({"fee": ["usd"]}, {"trial_days": 3}, "has no trial"),
    ],
)
def test_an_add_on_is_a_fee_for_a_limit(prices: dict[str, list[str]], fields: dict[str, object], reason: str) -> None:
    with operator_context():
        version = draft_of(**prices)
        Plan.objects.filter(pk=version.plan_id).update(is_addon=True)
        PlanVersion.objects.filter(pk=version.pk).update(**fields)
        with pytest.raises(InvalidPlan, match=reason):
            catalogue.publish(version, actor="test")


def test_a_draft_carries_the_new_columns_and_the_features(alice: Party) -> None:
    first = sell("rich", "1000", trial_days=7)
    with operator_context():
        draft = catalogue.draft_from(first, actor="test")
        PlanVersion.objects.filter(pk=draft.pk).update(funding="prepaid")
        PlanFeature.objects.create(plan_version=draft, feature=Feature.objects.create(slug="layout", name="Layout"))
        catalogue.publish(draft, actor="test")
        last = catalogue.draft_from(draft, actor="test")
    assert (last.trial_days, last.funding) == (7, "prepaid")
    assert [each.feature.slug for each in last.features.all()] == ["layout"]
    subscribe(alice.tenant, "rich", START)
    with acting(alice.tenant, START):
        assert catalogue.has_feature(alice.tenant.id, "layout")
        assert not catalogue.has_feature(alice.tenant.id, "other")
    act(alice.tenant, START, changes.cancel, when="now")
    with acting(alice.tenant, START):
        assert not catalogue.has_feature(alice.tenant.id, "layout")
    assert [feature.slug for offer in catalogue.offers() for feature in offer.features] == ["layout"]


def test_caps_are_taken_away_before_the_currency_changes(alice: Party) -> None:
    subscribe(alice.tenant, "per-service", START, currency="cny")
    with acting(alice.tenant, START):
        customers.set_caps(alice.tenant.id, soft=None, hard=700, actor="test")
        changes.cancel(alice.tenant.id, when="now", actor="test")
        with pytest.raises(CapsInAnotherCurrency):
            catalogue.subscribe(alice.tenant, "per-service", currency="usd", actor="test")
        customers.set_caps(alice.tenant.id, soft=None, hard=None, actor="test")
        assert catalogue.subscribe(alice.tenant, "per-service", currency="usd", actor="test").currency == "usd"


def test_a_currency_that_the_provider_counts_otherwise_is_not_sold_through_it(alice: Party) -> None:
    version = sell("dinars", "1000", currencies=("kwd",))
    with acting(alice.tenant, START):
        customer = customers.of(alice.tenant.id)
        customer.provider = "stripe"
        customer.save()
        with pytest.raises(CurrencyNotCollected):
            catalogue.subscribe(alice.tenant, version.plan.slug, actor="test")
        customer.provider = "local"
        customer.save()
        assert catalogue.subscribe(alice.tenant, version.plan.slug, actor="test").currency == "kwd"
