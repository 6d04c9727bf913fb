"""Who locks the customer has locked the subscription before: two from both sides would wait for each other."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from uuid import UUID

import pytest
from django.db import connection

from billing import adjustments, clock, credit_sales, customers, cycle, payments, subscriptions
from billing.models import AdjustmentKind, Invoice
from tenants.context import operator_context, tenant_context
from tests.billing.race import race
from tests.billing.terms_of import utc
from tests.billing.work import on_plan
from tests.conftest import Party, make_party
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
START, END = utc("2027-01-31T09:30"), utc("2027-02-28T09:30")


def an_invoice(party: Party) -> Invoice:
    """Of 500 for one analysis, of a subscription that goes on."""
    with clock.at(START):
        on_plan(party.tenant, "per-service").finish()
    (invoice,) = cycle.close_due(END)
    return invoice


def credit(invoice: Invoice) -> None:
    detail = {"invoice": str(invoice.pk), "amounts": None}
    adjustments.request(
        invoice.tenant_id, AdjustmentKind.CREDIT_NOTE, invoice.total, reason="x", actor="test", detail=detail
    )


def buy_credits(invoice: Invoice) -> None:
    """As a checkout does: sold and paid in one transaction."""
    payments.record(credit_sales.sell(invoice.tenant_id, 1000, actor="test"), 1000, actor="test")


@pytest.mark.parametrize("act", [credit, buy_credits])
def test_what_moves_money_waits_for_the_subscription_before_it_locks_the_customer(
    transactional_db: None, act: Callable[[Invoice], None]
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the other database has one lock for all")
    invoice = an_invoice(make_party("alice"))
    holds = Event()

    def closing(tenant_id: UUID) -> None:
        with clock.at(END), operator_context():
            subscriptions.hold(tenant_id)
            holds.set()
            wait_until(somebody_waits, "the other one at a lock")
            customers.lock(tenant_id)

    def both(number: int) -> None:
        if number == 0:
            closing(invoice.tenant_id)
        else:
            assert holds.wait(60)
            with clock.at(END), tenant_context(invoice.tenant_id):
                act(invoice)

    assert race(2, both) == [None, None]


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
