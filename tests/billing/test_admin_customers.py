"""What operators do to customers, subscriptions, coupons and alerts, each by its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing import clock, customers
from billing.models import (
    Alert,
    BillingCustomer,
    Coupon,
    CreditGrant,
    Invoice,
    InvoiceKind,
    Redemption,
    Subscription,
    SubscriptionStatus,
)
from tenants.context import operator_context
from tests.billing import operators
from tests.billing.operators import Refused, do
from tests.billing.work import make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
MAY, MIDDLE = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 5, 16, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _middle_of_may(db: None) -> Iterator[None]:
    with clock.at(MIDDLE):
        yield


@pytest.fixture
def customer(alice: Party) -> BillingCustomer:
    """Who pays for Alice."""
    with operator_context():
        return customers.of(alice.tenant.id)


@pytest.fixture
def subscription(alice: Party) -> Subscription:
    """To a plan of 50.00 a month since the first of May; there is another of 90.00."""
    make_plan("fifty", fee="5000")
    make_plan("ninety", fee="9000")
    with clock.at(MAY):
        on_plan(alice.tenant, "fifty")
    found: Subscription = only(Subscription)
    return found


def only(model: Any) -> Any:
    with operator_context():
        return model.objects.get()


def fresh(row: Any) -> Any:
    with operator_context():
        return type(row).objects.select_related(*RELATED.get(type(row), ())).get(pk=row.pk)


RELATED: dict[type, tuple[str, ...]] = {Subscription: ("plan_version__plan", "next_plan_version__plan")}


def test_a_tenant_becomes_a_customer_once(alice: Party) -> None:
    client = operators.operator()
    do(client, BillingCustomer, "open", tenant=str(alice.tenant.pk))
    assert only(BillingCustomer).tenant_id == alice.tenant.pk
    with pytest.raises(Refused, match="not one of the available choices"):
        do(client, BillingCustomer, "open", tenant=str(alice.tenant.pk))


def test_address_and_tax_are_changed_with_a_trace(customer: BillingCustomer) -> None:
    do(operators.operator(), customer, "details", name="Alice AG", country="DE", tax_percent="19.5", tax_label="VAT")
    found = fresh(customer)
    assert (found.name, found.country, found.tax_percent) == ("Alice AG", "DE", Decimal("19.5"))
    assert len(operators.traces("customer.updated")) == 1


def test_a_tax_that_can_not_be_is_refused(customer: BillingCustomer) -> None:
    with pytest.raises(Refused, match="less than or equal to 100"):
        do(operators.operator(), customer, "details", tax_percent="101")


def test_caps_are_set_and_taken_away(customer: BillingCustomer) -> None:
    client = operators.operator()
    do(client, customer, "caps", soft="50", hard="100.50")
    assert (fresh(customer).soft_cap, fresh(customer).hard_cap) == (5000, 10050)
    do(client, customer, "caps", soft="", hard="0")
    assert (fresh(customer).soft_cap, fresh(customer).hard_cap) == (None, 0)


def test_credits_are_given_on_the_customers_page(customer: BillingCustomer) -> None:
    do(operators.operator(), customer, "give_credits", amount="5", reason="welcome")
    assert only(CreditGrant).amount == 500


def test_credits_without_a_reason_are_not_given(customer: BillingCustomer) -> None:
    with pytest.raises(Refused, match="reason"):
        do(operators.operator(), customer, "give_credits", amount="5")
    with operator_context():
        assert not CreditGrant.objects.exists()


def test_credits_are_sold_by_an_open_invoice(customer: BillingCustomer) -> None:
    do(operators.operator(), customer, "sell_credits", amount="25")
    assert (only(Invoice).kind, only(Invoice).subtotal) == (InvoiceKind.CREDITS, 2500)


def test_a_coupon_is_made_redeemed_and_taken_out_of_use(subscription: Subscription) -> None:
    client = operators.operator()
    words = {"code": "TEN", "kind": "percent", "percent": "10", "amount": "0", "duration": "once"}
    assert client.post(operators.address(Coupon, "add"), words).status_code == 302
    customer = only(BillingCustomer)
    do(client, customer, "redeem", code="TEN")
    assert only(Redemption).coupon_id == only(Coupon).pk
    do(client, only(Coupon), "deactivate")
    assert not only(Coupon).active
    assert operators.traces("coupon.created") == operators.traces("coupon.deactivated")
    with pytest.raises(Refused, match="no coupon TEN"):
        do(client, customer, "redeem", code="TEN")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"kind": "percent", "percent": "101"}, "percent"),
        ({"kind": "percent", "percent": "0"}, "percent"),
        ({"kind": "percent", "percent": "10", "amount": "5"}, "amount"),
        ({"kind": "amount", "amount": "5"}, "currency"),
        ({"kind": "amount", "amount": "0", "currency": "usd"}, "amount"),
        ({"kind": "percent", "percent": "10", "duration": "repeating"}, "periods"),
        ({"kind": "percent", "percent": "10", "duration": "once", "periods": "3"}, "periods"),
    ],
)
def test_a_coupon_that_takes_nothing_is_refused_by_field(words: dict[str, str], field: str) -> None:
    given = {"code": "X", "percent": "0", "amount": "0", "duration": "once", **words}
    answer = operators.operator().post(operators.address(Coupon, "add"), given)
    assert field in answer.context["adminform"].form.errors
    assert not Coupon.objects.exists()


def test_a_subscription_is_started(alice: Party) -> None:
    make_plan("fifty", fee="5000")
    do(operators.operator(), Subscription, "subscribe", tenant=str(alice.tenant.pk), plan="fifty")
    assert only(Subscription).tenant_id == alice.tenant.pk


def test_a_change_of_plan_shows_its_price_first(subscription: Subscription) -> None:
    client = operators.operator()
    words = {"plan": "ninety", "when": "now"}
    page = client.post(operators.address(subscription, "change_plan"), words).content.decode().replace("\u00a0", " ")
    # 15.5 of 31 days are left
    assert "25.00 USD" in page
    assert "45.00 USD" in page
    assert fresh(subscription).plan_version.plan.slug == "fifty"
    do(client, subscription, "change_plan", **words)
    assert fresh(subscription).plan_version.plan.slug == "ninety"


def test_a_planned_change_is_taken_back(subscription: Subscription) -> None:
    client = operators.operator()
    do(client, subscription, "change_plan", plan="ninety", when="period_end")
    assert fresh(subscription).next_plan_version.plan.slug == "ninety"
    do(client, subscription, "keep")
    assert fresh(subscription).next_plan_version is None


def test_a_subscription_is_paused_and_resumed(subscription: Subscription) -> None:
    client = operators.operator()
    do(client, subscription, "pause")
    assert fresh(subscription).status == SubscriptionStatus.PAUSED
    do(client, subscription, "resume")
    assert fresh(subscription).status == SubscriptionStatus.ACTIVE


def test_a_subscription_ends_now_or_with_its_period(subscription: Subscription) -> None:
    client = operators.operator()
    do(client, subscription, "cancel", when="period_end")
    assert fresh(subscription).cancel_at == datetime(2027, 6, 1, tzinfo=UTC)
    do(client, subscription, "cancel", when="now")
    assert fresh(subscription).status == SubscriptionStatus.CANCELED


def test_an_ended_subscription_can_not_be_paused(subscription: Subscription) -> None:
    client = operators.operator()
    do(client, subscription, "cancel", when="now")
    with pytest.raises(Refused, match="No active subscription"):
        do(client, subscription, "pause")


def test_an_alert_is_dismissed(alice: Party) -> None:
    with operator_context():
        alert = Alert.objects.create(
            tenant=alice.tenant, kind="quota", subject="*", threshold=80, period_start=MAY, raised_at=MIDDLE
        )
    do(operators.operator(), alert, "dismiss")
    assert fresh(alert).seen_at == MIDDLE
