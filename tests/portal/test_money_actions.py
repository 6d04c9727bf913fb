"""What a customer does about money, button by button."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from billing import addons, catalogue, clock, credits, customers, payments, providers, quota
from billing.domain.money import ZERO
from billing.errors import SpendingLimitReached
from billing.models import Coupon, CreditGrant, Invoice, Subscription, SubscriptionStatus
from portal.paying import go
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tests.portal.money import USD, House, text_of, told

pytestmark = pytest.mark.django_db


def press(house: House, verb: str, role: str = "owner") -> str:
    return told(house.client(role), reverse("portal:subscription"), {"verb": verb})


def planned(house: House) -> str | None:
    version = house.subscription.next_plan_version
    return version.plan.slug if version else None


def test_a_plan_is_changed_now_or_when_the_period_ends_and_that_is_taken_back(house: House) -> None:
    owner, path = house.client("owner"), reverse("portal:plan-change")
    assert "will change when the period ends" in told(owner, path, {"plan": "per-service", "when": "period_end"})
    assert planned(house) == "per-service"
    assert "From the next period on" in text_of(owner.get(reverse("portal:plans")))
    assert "Nothing is planned any more" in press(house, "keep")
    assert planned(house) is None
    assert "The plan is changed" in told(owner, path, {"plan": "per-service", "when": "now"})
    assert house.subscription.plan_version.plan.slug == "per-service"


def test_a_plan_is_paused_and_resumed_and_every_page_tells_it(house: House) -> None:
    assert "The plan is paused" in press(house, "pause")
    assert house.subscription.status == SubscriptionStatus.PAUSED
    owner = house.client("owner")
    for name in ("usage", "invoices", "jobs", "plans", "credits", "billing"):
        assert "The plan is paused: it costs nothing" in text_of(owner.get(reverse(f"portal:{name}"))), name
    assert "The plan goes on" in press(house, "resume")
    assert house.subscription.status == SubscriptionStatus.ACTIVE


def test_a_plan_ends_with_the_period_or_now(house: House) -> None:
    page = press(house, "cancel_period_end")
    assert "The plan ends on" in page
    assert house.subscription.cancel_at == house.subscription.current_period_end
    assert "There is no plan" in press(house, "cancel_now")
    with tenant_context(house.id):
        assert Subscription.objects.get().status == SubscriptionStatus.CANCELED
    assert "Choose a plan" in text_of(house.client("owner").get(reverse("portal:usage")))


def test_an_unknown_verb_and_an_unknown_moment_do_nothing(house: House) -> None:
    owner = house.client("owner")
    assert owner.post(reverse("portal:subscription"), {"verb": "delete"}).status_code == 400
    assert owner.post(reverse("portal:plan-change"), {"plan": "per-service", "when": "soon"}).status_code == 400
    assert house.subscription.plan_version.plan.slug == "team"


def test_an_add_on_is_added_and_ends_with_the_period(house: House) -> None:
    owner, path = house.client("owner"), reverse("portal:add-on")
    with operator_context():
        slug = catalogue.offers(USD, add_ons=True)[0].version.plan.slug
    assert "counts from now on" in told(owner, path, {"plan": slug, "quantity": "2"})
    with tenant_context(house.id):
        [row] = addons.active(house.subscription, clock.now())
        assert row.quantity == 2
        assert quota.states(house.id)[0].limit == Decimal(300)
    assert "ends with the period" in told(owner, path, {"plan": slug, "verb": "end"})
    for quantity in ("0", "-1", "1.5", "9999", "x", ""):
        assert "Write a whole number" in told(owner, path, {"plan": slug, "quantity": quantity}), quantity


def test_an_add_on_is_offered_only_to_a_plan_that_it_widens(house: House) -> None:
    owner = house.client("owner")
    assert "100 more analyses" in text_of(owner.get(reverse("portal:plans")))
    told(owner, reverse("portal:plan-change"), {"plan": "per-service", "when": "now"})
    assert "100 more analyses" not in text_of(owner.get(reverse("portal:plans")))


def test_a_coupon_is_redeemed_once(house: House) -> None:
    with operator_context():
        Coupon.objects.create(code="HALF", kind="percent", percent=50)
    owner, path = house.client("owner"), reverse("portal:coupon")
    full = house.due()
    assert "counts from the next invoice on" in told(owner, path, {"code": "HALF"})
    assert house.due() * 2 == full
    assert "The coupon HALF was redeemed before" in told(owner, path, {"code": "HALF"})
    assert "There is no coupon NONE" in told(owner, path, {"code": "NONE"})


def test_caps_are_set_refuse_and_are_taken_away(house: House) -> None:
    owner, path = house.client("owner"), reverse("portal:caps")
    assert "caps are set" in told(owner, path, {"soft": "2", "hard": "3.00"})
    house.work(101)
    with pytest.raises(SpendingLimitReached, match=r"3\.00 USD"):
        house.work()
    assert "of 3.00 USD" in text_of(owner.get(reverse("portal:usage")))
    told(owner, path, {"soft": "", "hard": ""})
    house.work()
    assert "Write an amount" in told(owner, path, {"hard": "a lot"})
    with tenant_context(house.id):
        assert customers.of(house.id).hard_cap is None


def test_credits_are_bought_on_our_own_page_and_are_there_when_they_are_paid(house: House, settings: Any) -> None:
    settings.ASSAY_TEST_PAYMENTS = True
    owner = house.client("owner")
    answer = owner.post(reverse("portal:credits-pay"), {"amount": "25"})
    assert answer.status_code == 302
    path = urlsplit(answer["Location"]).path
    assert "25.00 USD" in text_of(owner.get(path))
    with tenant_context(house.id):
        assert credits.available(house.id, USD) == ZERO
    owner.post(path)
    with tenant_context(house.id):
        assert credits.available(house.id, USD) == 2500
        assert CreditGrant.objects.count() == 1


def test_an_invoice_is_paid_on_our_own_page(house: House, settings: Any) -> None:
    settings.ASSAY_TEST_PAYMENTS = True
    owner = house.client("billing")
    invoice = house.close_period()
    identity = encode("inv", invoice.id)
    assert "Pay 199.00 USD" in text_of(owner.get(reverse("portal:invoice", args=[identity])))
    answer = owner.post(reverse("portal:invoice-pay", args=[identity]))
    owner.post(urlsplit(answer["Location"]).path)
    with tenant_context(house.id):
        invoice.refresh_from_db()
    assert (invoice.state, invoice.amount_due) == ("paid", 0)
    page = told(owner, reverse("portal:invoice-pay", args=[identity]))
    assert "is paid" in page
    assert "Pay 199.00 USD" not in page


def test_the_invoice_tells_its_partial_payments(house: House) -> None:
    invoice = house.close_period()
    with tenant_context(house.id):
        payments.record(invoice, 5000, actor="test", reference="bank 7")
    page = text_of(house.client("owner").get(reverse("portal:invoice", args=[encode("inv", invoice.id)])))
    for text in ("bank 7", "50.00 USD", "Pay 149.00 USD"):
        assert text in page


def test_a_draft_is_not_shown(house: House) -> None:
    subscription = house.subscription
    with tenant_context(house.id):
        draft = Invoice.objects.create(
            tenant=house.tenant, subscription=subscription, issuer="X", period_start=clock.now(),
            period_end=clock.now(), currency=USD, created_at=clock.now(),
        )  # fmt: skip
    owner = house.client("owner")
    assert owner.get(reverse("portal:invoice", args=[encode("inv", draft.id)])).status_code == 404


def test_without_a_provider_page_nothing_is_opened(house: House) -> None:
    assert house.client("owner").post(reverse("portal:provider-portal")).status_code == 302
    with tenant_context(house.id):
        assert customers.of(house.id).provider == providers.LOCAL


@pytest.mark.parametrize(
    ("url", "leads"),
    [("/pay/x", True), ("http://testserver/pay/x", True), ("https://checkout.example/x", False),
     ("http://testserver.example/x", False), ("//evil.example/x", False)],
)  # fmt: skip
def test_only_our_own_pages_are_redirected_to(rf: Any, settings: Any, url: str, leads: bool) -> None:
    settings.ASSAY_PUBLIC_BASE_URL = ""
    request = rf.post("/")
    answer = go(request, url)
    assert answer.status_code == (302 if leads else 200)
    assert leads or url in answer.content.decode()
