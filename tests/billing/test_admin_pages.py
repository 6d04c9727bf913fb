"""Every list and every row's page of billing's admin opens where there is something to show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import adjustments, alerts, clock, coupon_codes, credit_notes, credits, customers, cycle, invoices, refunds
from billing.models import (
    AdjustmentKind,
    AlertKind,
    Coupon,
    Feature,
    GrantKind,
    Invoice,
    Payment,
    PlanFeature,
    SpendingCounter,
    Subscription,
)
from tenants.context import operator_context
from tenants.models import Tenant
from tests.billing import operators
from tests.billing.work import make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
MAY, JUNE = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _june(db: None) -> Iterator[None]:
    with clock.at(JUNE):
        yield


def a_business(tenant: Tenant) -> None:
    """One of nearly everything."""
    Coupon.objects.create(code="TEN", percent=10)
    with clock.at(MAY):
        on_plan(tenant, "fifty").finish(3)
    with operator_context():
        customers.of(tenant.id)
        coupon_codes.redeem(tenant.id, "TEN", actor="test")
    (invoice,) = cycle.advance(JUNE)
    with operator_context():
        invoices.mark_paid(invoice, actor="test")
        note = credit_notes.issue(invoice, {invoice.lines.earliest("position").pk: 100}, reason="late", actor="test")
        refunds.request(Payment.objects.get(), 90, reason="late", actor="test", credit_note=note)
        credits.grant(tenant.id, Decimal("12.5"), "usd", kind=GrantKind.PROMOTIONAL, reason="hello", actor="test")
        adjustments.request(
            tenant.id, AdjustmentKind.CREDIT, 10**6, reason="much", actor="test", detail={"currency": "usd"}
        )
        level = alerts.Level(AlertKind.CREDITS, "usd", MAY, Decimal(0), Decimal(60), Decimal(100))
        alerts.check(tenant.id, level)
        SpendingCounter.objects.get_or_create(
            tenant=tenant, subscription=Subscription.objects.get(), period_start=MAY, defaults={"period_end": JUNE}
        )


def test_every_page_of_every_row_opens(alice: Party) -> None:
    version = make_plan("fifty", fee="5000")
    a_business(alice.tenant)
    Feature.objects.create(slug="logo", name="Own logo")
    client, opened = operators.operator(), set()
    for model, page in admin.site._registry.items():
        if page.opts.app_label != "billing":
            continue
        assert client.get(operators.address(model, "changelist")).status_code == 200, model
        with operator_context():
            row = model._default_manager.first()
        if row is not None:
            assert client.get(operators.address(row)).status_code == 200, model
            opened.add(model)
    assert len(opened) >= 20
    assert not PlanFeature.objects.filter(plan_version=version).exists()


def test_a_list_of_invoices_does_not_ask_for_each_row(alice: Party, charlie: Party) -> None:
    few, many = queries_of_short_and_long_list(alice, charlie)
    assert many == few


def test_control_a_column_that_asks_for_each_row_is_counted(
    alice: Party, charlie: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(invoice: Invoice) -> int:
        return invoice.lines.count()

    shown = admin.site._registry[Invoice]
    monkeypatch.setattr(shown, "list_display", [*shown.list_display, lines])
    few, many = queries_of_short_and_long_list(alice, charlie)
    assert many > few


def queries_of_short_and_long_list(alice: Party, charlie: Party) -> tuple[int, int]:
    make_plan("fifty", fee="5000")
    with clock.at(MAY):
        on_plan(alice.tenant, "fifty")
    cycle.advance(JUNE)
    client = operators.operator()
    few = queries_of_list(client)
    with clock.at(MAY):
        on_plan(charlie.tenant, "fifty")
    for month in (7, 8, 9):
        cycle.advance(datetime(2027, month, 2, tzinfo=UTC))
    with operator_context():
        assert Invoice.objects.count() > 4
    return few, queries_of_list(client)


def queries_of_list(client: object) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(operators.address(Invoice, "changelist")).status_code == 200  # type: ignore[attr-defined]
    return len(captured)
