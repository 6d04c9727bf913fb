"""Invoices against the usage that stands on them, and against the provider's copies."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet, Sum

from billing import clock, provider_objects, providers
from billing.domain.money import ZERO
from billing.domain.reconciling import Verdict, invoice_verdict
from billing.models import (
    BilledUsage,
    Invoice,
    InvoiceLine,
    InvoiceState,
    ProviderObject,
    ReconciliationItem,
    ReconciliationRun,
)

YOUNG = timedelta(hours=2)


def items(made: ReconciliationRun, start: datetime, end: datetime, provider: str | None) -> list[ReconciliationItem]:
    """One item for each invoice that was closed in the span and is not void."""
    closed = _closed(start, end, provider)
    used, charged = _used(closed), _charged(closed)
    theirs = _theirs(closed)
    return [_item(made, row, used.get(row.id, ZERO), charged.get(row.id, ZERO), theirs.get(row.id)) for row in closed]


def _closed(start: datetime, end: datetime, provider: str | None) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(closed_at__gte=start, closed_at__lt=end).exclude(state=InvoiceState.VOID)
    rows = rows if provider is None else rows.filter(provider=provider)
    ordered: QuerySet[Invoice] = rows.order_by("number")
    return ordered


def _used(closed: QuerySet[Invoice]) -> dict[UUID, Decimal]:
    rows = BilledUsage.objects.filter(invoice__in=closed.order_by(), stands=True).order_by().values("invoice")
    return {row["invoice"]: row["units"] for row in rows.annotate(units=Sum("usage_event__metered"))}


def _charged(closed: QuerySet[Invoice]) -> dict[UUID, Decimal]:
    rows = InvoiceLine.objects.filter(invoice__in=closed.order_by(), counter__isnull=False, code__startswith="usage.")
    units = rows.exclude(code="usage.credit").order_by().values("invoice").annotate(units=Sum("quantity"))
    return {row["invoice"]: row["units"] for row in units}


def _theirs(closed: QuerySet[Invoice]) -> dict[UUID, int]:
    rows = ProviderObject.objects.filter(kind=provider_objects.INVOICE, local_id__in=closed.order_by().values("id"))
    return {row.local_id: int(row.snapshot["total"]) for row in rows if "total" in row.snapshot}


def _item(
    made: ReconciliationRun, row: Invoice, used: Decimal, charged: Decimal, theirs: int | None
) -> ReconciliationItem:
    collected_here = row.provider == providers.LOCAL
    young = row.closed_at is not None and row.closed_at > clock.now() - YOUNG
    paid_at_once = row.state == InvoiceState.PAID and theirs is None
    found = invoice_verdict((used, charged), (row.total, theirs), waits=collected_here or young or paid_at_once)
    if found == Verdict.MATCHED and theirs is None and young and not collected_here and row.total:
        found = Verdict.PENDING
    return ReconciliationItem(
        run=made, tenant_id=row.tenant_id, subject=f"invoice {row.number}", verdict=found.value, ours=used,
        invoiced=charged, our_amount=Decimal(row.total), their_amount=None if theirs is None else Decimal(theirs),
    )  # fmt: skip
