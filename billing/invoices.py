"""Invoices: what is due so far, closing a period, and payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from billing import charges, clock, ledger, subscriptions, texts
from billing.domain.invoicing import Line
from billing.domain.money import exact_arithmetic, total
from billing.domain.periods import Period
from billing.models import (
    Account,
    BilledUsage,
    Invoice,
    InvoiceLine,
    InvoiceSequence,
    InvoiceState,
    Meter,
    Subscription,
    UsageEvent,
)
from tenants import audit
from tenants.querysets import TenantQuerySet

ISSUER = "INV"
"""Who gives the numbers: one gapless sequence each."""
BATCH = 1000


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A line as it would stand on the invoice; `description` is in the active language, `amount` minor units."""

    code: str
    params: dict[str, Any]
    description: str
    quantity: Decimal
    unit_amount: Decimal | None
    amount: int
    meter: str | None
    plugin: str | None


@dataclass(frozen=True, slots=True)
class InvoicePreview:
    """What the current period has cost so far; amounts are minor units of `currency`."""

    lines: list[PreviewLine]
    subtotal: int
    tax: int
    total: int
    currency: str
    period: Period


def preview(tenant_id: UUID) -> InvoicePreview:
    """What an invoice closed now would say. Writes nothing. Raises `PaymentRequired` without a subscription."""
    subscription = subscriptions.existing(tenant_id)
    period = subscriptions.period_of(subscription, clock.now())
    lines = charges.lines_of(subscription, period, charges.unbilled(subscription))
    subtotal = sum(line.amount for line in lines)
    tax = tax_on(subtotal)
    shown = [_shown(line) for line in lines]
    return InvoicePreview(shown, subtotal, tax, subtotal + tax, subscription.currency, period)


def close(subscription: Subscription, period: Period) -> Invoice | None:
    """Turn an ended period into an open, numbered invoice; None when nothing is on it, or it was closed before.

    1. Lock the subscription, so that a period is closed once.
    2. Put all finished work that is on no invoice yet on this one; later work goes to the next.
    3. Write the lines, book them, give the number last: the sequence is locked as short as can be.
    """
    with transaction.atomic():
        Subscription.objects.for_tenant(subscription.tenant_id).select_for_update(no_key=True).get(pk=subscription.pk)
        subscription.refresh_from_db(fields=["billed_until"])
        if period.end is None or subscription.billed_until >= period.end:
            return None
        subscription.billed_until = period.end
        subscription.save(update_fields=["billed_until"])
        return _close(subscription, period.start, period.end)


def mark_paid(invoice: Invoice, *, actor: str) -> bool:
    """Book the payment of an open invoice; False for one that is not open."""
    with transaction.atomic():
        now = clock.now()
        open_one = Invoice.objects.for_tenant(invoice.tenant_id).filter(pk=invoice.pk, state=InvoiceState.OPEN)
        if not open_one.update(state=InvoiceState.PAID, paid_at=now):
            return False
        paid = Decimal(invoice.total)
        ledger.post(
            invoice.tenant_id, source=("invoice", invoice.id), kind="payment", currency=invoice.currency,
            postings=[ledger.Posting(Account.CASH, paid), ledger.Posting(Account.RECEIVABLE, -paid)], occurred_at=now,
        )  # fmt: skip
        audit.record("invoice.paid", tenant_id=invoice.tenant_id, actor=actor, subject=str(invoice.number))
    invoice.refresh_from_db()
    return True


def usage_of(line: InvoiceLine) -> TenantQuerySet[UsageEvent]:
    """The work behind a line, newest first; nothing for a fee."""
    events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(line.tenant_id).filter(
        billed__invoice=line.invoice_id, counter=line.counter_id, price=line.price_id
    )
    shared = line.price is None or line.price.rule.depends_on_position
    return events if shared else events.filter(plugin=line.plugin)


def tax_on(subtotal: int) -> int:
    """Tax in minor units: none, until customers have tax rates."""
    return 0 * subtotal


def _shown(line: Line) -> PreviewLine:
    return PreviewLine(
        code=line.code,
        params=line.params,
        description=texts.in_language(line.code, line.params),
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        amount=line.amount,
        meter=line.group.meter if line.group else None,
        plugin=line.group.plugin if line.group else None,
    )


def _close(subscription: Subscription, start: datetime, end: datetime) -> Invoice | None:
    invoice: Invoice = Invoice.objects.create(
        tenant_id=subscription.tenant_id, subscription=subscription, issuer=ISSUER, period_start=start, period_end=end,
        currency=subscription.currency, created_at=clock.now(),
    )  # fmt: skip
    # first what it charges, then the lines of just that: work that ends meanwhile is on the next invoice
    _bill(invoice, charges.unbilled(subscription).filter(occurred_at__lt=end))
    billed = UsageEvent.objects.for_tenant(subscription.tenant_id).filter(billed__invoice=invoice)
    lines = charges.lines_of(subscription, Period(start, end), billed)
    if not lines:
        invoice.delete()
        return None
    invoice.subtotal = sum(line.amount for line in lines)
    invoice.tax = tax_on(invoice.subtotal)
    invoice.total = invoice.subtotal + invoice.tax
    invoice.save(update_fields=["subtotal", "tax", "total"])
    _write_lines(invoice, lines)
    _book(invoice, lines)
    _open(invoice)
    return invoice


def _bill(invoice: Invoice, due: TenantQuerySet[UsageEvent]) -> None:
    """Unique on the event: work that another invoice has taken in the meantime makes this closing fail, not double."""
    BilledUsage.objects.bulk_create(
        [
            BilledUsage(tenant_id=invoice.tenant_id, usage_event_id=event, invoice=invoice)
            for event in due.order_by().values_list("id", flat=True)
        ],
        batch_size=BATCH,
    )


def _write_lines(invoice: Invoice, lines: list[Line]) -> None:
    meters = {meter.slug: meter for meter in Meter.objects.all()}
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            tenant_id=invoice.tenant_id, invoice=invoice, position=position, code=line.code, params=line.params,
            description=texts.in_english(line.code, line.params), quantity=line.quantity, unit_amount=line.unit_amount,
            exact=line.exact, amount=line.amount,
            counter_id=line.group.counter if line.group else None, price_id=line.group.price if line.group else None,
            meter=meters[line.group.meter] if line.group else None, plugin=line.group.plugin if line.group else "",
        )
        for position, line in enumerate(lines, 1)
    )  # fmt: skip


def _book(invoice: Invoice, lines: list[Line]) -> None:
    """Accrued usage becomes receivable; fees are earned and credits given up here; roundings show what they are."""
    accrued = total(line.exact for line in lines if line.group and line.exact > 0)
    with exact_arithmetic():
        revenue = total(line.exact for line in lines) - accrued
    postings = {
        Account.RECEIVABLE: Decimal(invoice.total),
        Account.ACCRUED: -accrued,
        Account.REVENUE: -revenue,
        Account.TAX: -Decimal(invoice.tax),
    }
    postings[Account.ROUNDING] = -total(postings.values())
    ledger.post(
        invoice.tenant_id, source=("invoice", invoice.id), kind="closing", currency=invoice.currency,
        postings=[ledger.Posting(account, amount) for account, amount in postings.items()],
        occurred_at=invoice.period_end,
    )  # fmt: skip


def _open(invoice: Invoice) -> None:
    """Give the next number and close the draft; an invoice of nothing is paid at once."""
    InvoiceSequence.objects.bulk_create([InvoiceSequence(issuer=invoice.issuer)], ignore_conflicts=True)
    taken = InvoiceSequence.objects.filter(pk=invoice.issuer)
    taken.update(last=F("last") + 1)
    invoice.sequence = taken.get().last
    invoice.number = f"{invoice.issuer}-{invoice.sequence:06d}"
    invoice.closed_at = clock.now()
    invoice.state = InvoiceState.OPEN if invoice.total else InvoiceState.PAID
    invoice.paid_at = None if invoice.total else invoice.closed_at
    invoice.save(update_fields=["sequence", "number", "closed_at", "state", "paid_at"])
    audit.record("invoice.closed", tenant_id=invoice.tenant_id, actor="billing", subject=invoice.number)
