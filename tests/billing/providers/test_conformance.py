"""The same scenario over every provider ends in the same ledger and the same invoices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing import checkouts, clock, reconciliation
from billing.domain.reconciling import FINE
from billing.models import CheckoutState, InvoiceState, ReconciliationItem
from tenants.context import operator_context, tenant_context
from tests.billing.providers.stage import START, Stage, balances, close, invoices_of, troubles
from tests.billing.work import Customer
from tests.conftest import Party

pytestmark = pytest.mark.django_db(transaction=True)
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


def test_a_monthly_plan_with_overage_is_collected_to_the_cent(stage: Stage, alice: Party) -> None:
    customer = subscribed(stage, alice, "team")
    with clock.at(START + timedelta(days=3)):
        stage.go(START + timedelta(days=3))
        for _ in range(102):
            customer.finish()
        stage.turn()
    close(stage, FEBRUARY + timedelta(minutes=5))
    (invoice,) = invoices_of(customer)
    assert invoice.total == 20500, troubles()
    paid(stage, customer)
    (invoice,) = invoices_of(customer)
    assert (invoice.state, invoice.amount_paid) == (InvoiceState.PAID, 20500), troubles()
    assert balances(customer) == {"cash": 20500, "revenue": -20500}
    assert_reconciled(stage, FEBRUARY + timedelta(days=1))
