"""The same scenario over every provider ends in the same ledger and the same invoices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import (
    changes,
    checkouts,
    clock,
    coupon_codes,
    credit_notes,
    credits,
    customers,
    invoices,
    payments,
    reconciliation,
    refunds,
)
from billing.domain.reconciling import FINE
from billing.models import (
    BillingCustomer,
    CheckoutState,
    Coupon,
    CreditGrant,
    InvoiceState,
    Payment,
    ReconciliationItem,
    RefundState,
)
from tenants.context import operator_context, tenant_context
from tests.billing.providers.stage import START, Stage, StripeStage, balances, close, invoices_of, troubles
from tests.billing.work import Customer, make_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
FEBRUARY = datetime(2027, 2, 10, 9, 30, tzinfo=UTC)
MARCH = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)


def subscribed(stage: Stage, party: Party, slug: str, plugin: str = "xray", unit: str = "image") -> Customer:
    """By way of the checkout page."""
    session = checkouts.subscribe(party.tenant.id, slug, actor="test")
    stage.turn()
    stage.pay(session)
    stage.turn()
    with tenant_context(party.tenant.id):
        session.refresh_from_db()
    assert session.state == CheckoutState.COMPLETE, troubles()
    return Customer(party.tenant, plugin, unit)


def paid(stage: Stage, customer: Customer) -> None:
    for invoice in invoices_of(customer):
        if invoice.state == InvoiceState.OPEN:
            assert stage.name == "local" or invoice.external_id, troubles()
            stage.settle_invoice(invoice)
    stage.turn()


def assert_reconciled(stage: Stage, until: datetime) -> None:
    with clock.at(until + timedelta(hours=3)):
        run = reconciliation.run(START, until)
    with operator_context():
        bad = [reconciliation.message_of(each) for each in ReconciliationItem.objects.exclude(verdict__in=FINE)]
    assert reconciliation.fine(run), (bad, run.error, troubles())


def test_what_an_operator_records_by_hand_is_not_collected_once_more(stage: Stage, alice: Party) -> None:
    subscribed(stage, alice, "team")
    customer = Customer(alice.tenant, "xray", "analysis")
    without_payment_method(stage, customer)
    close(stage, FEBRUARY)
    (invoice,) = invoices_of(customer)
    with clock.at(FEBRUARY), tenant_context(customer.id):
        payments.record(invoice, invoice.amount_due, actor="operator", reference="by transfer")
    stage.turn()
    if isinstance(stage, StripeStage):
        assert stage.server.state.objects["invoice"][invoice.external_id]["status"] == "paid", troubles()
    with operator_context():
        assert [row.amount for row in Payment.objects.all()] == [invoice.total]
        assert not CreditGrant.objects.exists(), "nothing was paid twice"
    stage.go(FEBRUARY + timedelta(days=20))
    stage.turn()
    with operator_context():
        assert Payment.objects.count() == 1


def test_a_monthly_plan_with_overage_is_collected_to_the_cent(stage: Stage, alice: Party) -> None:
    make_plan("small-team", meter="analysis", fee="19900", tiers=[("2", "0"), (None, "300")])
    customer = subscribed(stage, alice, "small-team")
    stage.go(START + timedelta(days=3))
    with clock.at(stage.now):
        for _ in range(4):
            customer.finish()
        stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    paid(stage, customer)
    (invoice,) = invoices_of(customer)
    assert (invoice.total, invoice.state, invoice.amount_paid) == (20500, "paid", 20500), troubles()
    assert balances(customer) == {"cash": 20500, "revenue": -20500}
    assert_reconciled(stage, FEBRUARY + timedelta(days=1))


def test_a_second_period_pays_the_fee_again_and_the_late_use_of_the_first(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "team")
    late = customer.reserve()
    close(stage, FEBRUARY + timedelta(minutes=5))
    stage.go(FEBRUARY + timedelta(days=2))
    with clock.at(stage.now):
        customer.settle(late.job_id)
        stage.turn()
    paid(stage, customer)
    close(stage, MARCH + timedelta(minutes=5))
    paid(stage, customer)
    assert [(row.total, row.state) for row in invoices_of(customer)] == [(19900, "paid")] * 2, troubles()
    assert balances(customer) == {"cash": 39800, "revenue": -39800}
    assert_reconciled(stage, MARCH + timedelta(days=1))


def test_prices_by_plugin_discount_and_tax_come_to_the_same_total(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "per-service")
    with tenant_context(customer.id):
        customers.update_details(customer.id, actor="test", tax_percent=Decimal(19), tax_label="VAT")
    with operator_context():
        Coupon.objects.create(code="TENTH", kind="percent", percent=Decimal(10), duration="once")
    with tenant_context(customer.id):
        coupon_codes.redeem(customer.id, "TENTH", actor="test")
    for plugin in ("xray", "xray", "digits"):
        Customer(alice.tenant, plugin).finish()
    stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    paid(stage, customer)
    (invoice,) = invoices_of(customer)
    assert (invoice.subtotal, invoice.discount, invoice.tax, invoice.total) == (1010, 101, 173, 1082)
    assert (invoice.state, balances(customer)["cash"]) == ("paid", 1082), troubles()
    assert_reconciled(stage, FEBRUARY + timedelta(days=1))


def test_credits_are_bought_used_first_and_never_charged_again(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "per-service")
    session = checkouts.buy_credits(customer.id, 800, actor="test")
    stage.pay(session)
    stage.turn()
    with tenant_context(customer.id):
        assert credits.available(customer.id, "usd") == 800, troubles()
    for _ in range(2):
        customer.finish()
    stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    paid(stage, customer)
    assert [(row.kind, row.total, row.state) for row in invoices_of(customer)] == [
        ("credits", 800, "paid"),
        ("period", 200, "paid"),
    ], troubles()
    assert balances(customer) == {"cash": 1000, "revenue": -1000}
    assert_reconciled(stage, FEBRUARY + timedelta(days=1))


def test_an_end_at_once_is_invoiced_to_the_second(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "team")
    customer.finish()
    stage.turn()
    middle = START + (FEBRUARY - START) / 2
    stage.go(middle)
    with clock.at(middle), tenant_context(customer.id):
        changes.cancel(customer.id, when="now", actor="test")
    stage.turn()
    paid(stage, customer)
    (invoice,) = invoices_of(customer)
    assert (invoice.total, invoice.state, invoice.amount_paid) == (9950, "paid", 9950), troubles()
    assert_reconciled(stage, FEBRUARY)


def test_a_void_invoice_lets_its_use_go_to_the_next(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "per-service")
    without_payment_method(stage, customer)
    customer.finish()
    stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    (invoice,) = invoices_of(customer)
    with tenant_context(customer.id):
        invoices.void(invoice, reason="wrong address", actor="test")
    stage.turn()
    close(stage, MARCH + timedelta(minutes=5))
    paid(stage, customer)
    assert [(row.total, row.state) for row in invoices_of(customer)] == [(500, "void"), (500, "paid")], troubles()
    assert balances(customer) == {"cash": 500, "revenue": -500}
    assert_reconciled(stage, MARCH + timedelta(days=1))


def test_a_credit_note_and_a_refund_go_back_the_way_the_money_came(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "per-service")
    for _ in range(3):
        customer.finish()
    stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    paid(stage, customer)
    with tenant_context(customer.id):
        (invoice,) = invoices_of(customer)
        (payment,) = Payment.objects.for_tenant(customer.id)
        (line,) = invoice.lines.all()
        note = credit_notes.issue(invoice, {line.id: 500}, reason="one was wrong", actor="test")
        refund = refunds.request(payment, 500, reason="one was wrong", actor="test", credit_note=note)
    stage.turn()
    with tenant_context(customer.id):
        refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED, troubles()
    assert balances(customer) == {"cash": 1000, "revenue": -1000}


def without_payment_method(stage: Stage, customer: Customer) -> None:
    """Invoices are sent then, and wait."""
    with tenant_context(customer.id):
        BillingCustomer.objects.for_tenant(customer.id).update(payment_method="")
    stage.forget_payment_method(customer)
