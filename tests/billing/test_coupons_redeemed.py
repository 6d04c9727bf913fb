"""Coupons: who may redeem them, what they take off, for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing import books, clock, coupon_codes, cycle, invoices
from billing.errors import CouponRefused, PaymentRequired, UnknownCoupon
from billing.models import Coupon, Invoice, Plan, Redemption
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 15, 9, 30, tzinfo=UTC)
MONTHS = [datetime(2027, month, 15, 9, 30, tzinfo=UTC) for month in (2, 3, 4, 5)]


@pytest.fixture
def customer(alice: Party) -> Iterator[Customer]:
    """On a plan with a fee of 1000 a month."""
    make_plan("paid", fee="1000", price="10")
    with clock.at(START):
        yield on_plan(alice.tenant, "paid")
    with operator_context():
        assert books.check_all() == []


def coupon(code: str, **fields: Any) -> Coupon:
    with operator_context():
        made: Coupon = Coupon.objects.create(code=code, **({"kind": "percent", "percent": 10} | fields))
    return made


def redeem(customer: Customer, code: str) -> Redemption:
    with tenant_context(customer.id):
        return coupon_codes.redeem(customer.id, code, actor="test")


def closed() -> list[Invoice]:
    return [invoice for month in MONTHS for invoice in cycle.close_due(month)]


def test_a_coupon_for_one_invoice_takes_a_share_off_one(customer: Customer) -> None:
    coupon("WELCOME")
    redeem(customer, " WELCOME ")
    with tenant_context(customer.id):
        shown = invoices.preview(customer.id)
    assert (shown.subtotal, shown.discount, shown.total) == (1000, 100, 900)
    made = closed()
    assert [(invoice.discount, invoice.total) for invoice in made] == [(100, 900), (0, 1000), (0, 1000), (0, 1000)]
    assert made[0].billed_to["coupons"][0]["code"] == "WELCOME"


def test_a_repeating_coupon_counts_invoices_and_one_for_ever_does_not(customer: Customer) -> None:
    coupon("THREE", kind="amount", percent=0, amount=200, currency="usd", duration="repeating", periods=3)
    coupon("EVER", duration="forever", percent=50)
    redeem(customer, "THREE")
    redeem(customer, "EVER")
    # in the order of their redemption: 1000 - 200, half of the rest
    assert [invoice.discount for invoice in closed()] == [600, 600, 600, 500]


def test_an_amount_takes_no_more_than_there_is(customer: Customer) -> None:
    coupon("ALL", kind="amount", percent=0, amount=99_999, currency="usd")
    redeem(customer, "ALL")
    (first, *_) = closed()
    assert (first.discount, first.total, first.state) == (1000, 0, "paid")


def test_a_voided_invoice_gives_the_coupon_back(customer: Customer) -> None:
    coupon("ONCE")
    redeem(customer, "ONCE")
    (first,) = cycle.close_due(MONTHS[0])
    with tenant_context(customer.id):
        invoices.void(first, reason="x", actor="test")
    (second,) = cycle.close_due(MONTHS[1])
    assert (first.discount, second.discount) == (100, 100)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"expires_at": START}, "expired"),
        ({"kind": "amount", "percent": 0, "amount": 5, "currency": "eur"}, "currency"),
        ({"max_redemptions": 1, "redeemed": 1}, "used up"),
        ({"plan": "other"}, "another plan"),
    ],
)
def test_a_coupon_that_does_not_fit_is_refused_and_not_counted(
    customer: Customer, fields: dict[str, Any], reason: str
) -> None:
    if "plan" in fields:
        with operator_context():
            fields = {"plan": Plan.objects.create(slug="other", name="Other")}
    before = coupon("NO", **fields).redeemed
    with pytest.raises(CouponRefused, match=reason):
        redeem(customer, "NO")
    with operator_context():
        assert Coupon.objects.get(code="NO").redeemed == before


def test_a_coupon_is_redeemed_once_by_a_tenant_with_a_subscription(customer: Customer, charlie: Party) -> None:
    coupon("ONE", expires_at=START + timedelta(days=1))
    redeem(customer, "ONE")
    with pytest.raises(CouponRefused, match="before"):
        redeem(customer, "ONE")
    with pytest.raises(UnknownCoupon):
        redeem(customer, "NONE")
    with pytest.raises(PaymentRequired):
        redeem(Customer(charlie.tenant), "ONE")


def test_a_coupon_for_a_plan_counts_on_that_plan_only(customer: Customer) -> None:
    with operator_context():
        plan = Plan.objects.get(slug="paid")
    coupon("PLAN", plan=plan, duration="forever")
    redeem(customer, "PLAN")
    with tenant_context(customer.id):
        subscription = invoices.subscriptions.existing(customer.id)
        assert len(coupon_codes.applicable(subscription)) == 1
        subscription.plan_version.plan_id = customer.id
        assert coupon_codes.applicable(subscription) == []
