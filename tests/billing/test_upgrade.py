"""What older versions have written, brought to what this one expects."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps

from billing import books, clock, cycle, ledger, refunds
from billing.ledger import Posting
from billing.models import Account, Invoice, Payment
from tenants.context import operator_context, tenant_context
from tests.billing.terms_of import utc
from tests.billing.work import on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
phases = import_module("billing.migrations.0003_phases")


def test_an_invoice_that_was_paid_before_there_were_payments_has_one(alice: Party) -> None:
    with clock.at(utc("2027-01-01T00:00")):
        on_plan(alice.tenant, "per-service").finish()
    (invoice,) = cycle.close_due(utc("2027-02-01T00:00"))
    with operator_context():
        Invoice.objects.filter(pk=invoice.pk).update(state="paid", paid_at=invoice.closed_at)
        sides = [Posting(Account.CASH, Decimal(invoice.total)), Posting(Account.RECEIVABLE, Decimal(-invoice.total))]
        ledger.post(
            invoice.tenant_id, source=("invoice", invoice.id), kind="payment", currency="usd", postings=sides,
            occurred_at=invoice.period_end,
        )  # fmt: skip
    assert books.check_all() != []
    for _ in range(2):
        phases.fill_payments(apps, None)
    assert books.check_all() == []
    with tenant_context(alice.tenant.id):
        payment = Payment.objects.get()
        assert (payment.amount, Invoice.objects.get().amount_due) == (500, 0)
        refunds.request(payment, 500, reason="x", actor="test")
