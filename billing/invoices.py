"""Invoices: what is due so far, closing a period, and the ends that an invoice can come to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from billing import ageing, charges, clock, coupon_codes, credits, ledger, payments, spending, subscriptions, texts
from billing.closing import announce, close
from billing.domain.invoicing import Line
from billing.domain.money import ZERO
from billing.domain.periods import Period
from billing.errors import InvoiceNotOpen, InvoiceNotVoidable
from billing.locking import locked
from billing.models import (
    Account,
    BilledUsage,
    BillingCustomer,
    CreditGrant,
    Invoice,
    InvoiceLine,
    InvoiceState,
    UsageEvent,
)
from tenants import audit
from tenants.querysets import TenantQuerySet

__all__ = [
    "InvoicePreview",
    "PreviewLine",
    "close",
    "mark_paid",
    "mark_uncollectible",
    "preview",
    "usage_of",
    "void",
]


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
    discount: int
    tax_percent: Decimal
    tax: int
    total: int
    currency: str
    period: Period


def preview(tenant_id: UUID) -> InvoicePreview:
    """What the period's invoice would say with the work done so far. Raises `PaymentRequired` without a subscription.

    Fees are those of the whole period, as it will be if nothing changes. Writes nothing.
    """
    subscription = subscriptions.existing(tenant_id)
    period = subscriptions.period_of(subscription, clock.now())
    customer = spending.payer(subscription, period.start) or BillingCustomer(tenant_id=tenant_id, tax_percent=ZERO)
    usage = charges.unbilled(tenant_id, subscription.currency)
    made = charges.charge_of(subscription, customer, period, usage).bill
    return InvoicePreview(
        lines=[_shown(line) for line in made.lines], subtotal=made.subtotal, discount=made.discount,
        tax_percent=customer.tax_percent, tax=made.tax, total=made.total,
        currency=subscription.currency, period=period,
    )  # fmt: skip


def mark_paid(invoice: Invoice, *, actor: str) -> bool:
    """A manual payment of all that is due; False where nothing can be paid (any more)."""
    with transaction.atomic():
        row = locked(invoice)
        if row.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE) or row.amount_due <= 0:
            return False
        payments.record(row, row.amount_due, actor=actor)
    invoice.refresh_from_db()
    return True


def void(invoice: Invoice, *, reason: str, actor: str) -> None:
    """Take an invoice back: its bookings are reversed, its use is on the next invoice, its fees are forgiven.

    Raises `InvoiceNotOpen`, and `InvoiceNotVoidable` once money has moved for it.
    """
    with transaction.atomic():
        row = _endable(invoice, InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)
        if row.amount_paid or row.amount_credited:
            raise InvoiceNotVoidable(number=row.number)
        _take_back_returned(row)
        for kind in ("uncollectible", "closing"):
            booked = ledger.booked(row.tenant_id, ("invoice", row.id), kind)
            if booked is not None:
                ledger.reverse(booked, kind=f"void.{kind}", occurred_at=clock.now())
        row.state, row.voided_at = InvoiceState.VOID, clock.now()
        row.save(update_fields=["state", "voided_at"])
        BilledUsage.objects.for_tenant(row.tenant_id).filter(invoice=row).update(stands=False)
        coupon_codes.give_back(row.tenant_id, [UUID(each["redemption"]) for each in row.billed_to.get("coupons", [])])
        _end(row, "voided", reason, actor)
    invoice.refresh_from_db()


def mark_uncollectible(invoice: Invoice, *, reason: str, actor: str) -> None:
    """Give an open invoice up: what is due becomes bad debt; it can still be paid. Raises `InvoiceNotOpen`."""
    with transaction.atomic():
        row = _endable(invoice, InvoiceState.OPEN)
        due = Decimal(row.amount_due)
        ledger.post(
            row.tenant_id, source=("invoice", row.id), kind="uncollectible", currency=row.currency,
            postings=[ledger.Posting(Account.BAD_DEBT, due), ledger.Posting(Account.RECEIVABLE, -due)],
            occurred_at=clock.now(),
        )  # fmt: skip
        row.state, row.uncollectible_at = InvoiceState.UNCOLLECTIBLE, clock.now()
        row.save(update_fields=["state", "uncollectible_at"])
        _end(row, "uncollectible", reason, actor)
    invoice.refresh_from_db()


def usage_of(line: InvoiceLine) -> TenantQuerySet[UsageEvent]:
    """The work behind a line, newest first; nothing for a fee."""
    return charges.work_behind(line)


def _endable(invoice: Invoice, *states: InvoiceState) -> Invoice:
    row = locked(invoice)
    if row.state not in states:
        raise InvoiceNotOpen(number=row.number, state=row.state)
    return row


def _end(row: Invoice, what: str, reason: str, actor: str) -> None:
    announce(row, what)
    ageing.refresh(row.tenant_id)
    audit.record(f"invoice.{what}", tenant_id=row.tenant_id, actor=actor, subject=str(row.number), reason=reason)


def _take_back_returned(row: Invoice) -> None:
    """The credits that the invoice gave back go with it. Raises `InvoiceNotVoidable` where some of them were used."""
    returned = CreditGrant.objects.for_tenant(row.tenant_id).filter(key=f"invoice:{row.id}:returned").first()
    if returned is not None and not credits.take_back(returned, returned.amount):
        raise InvoiceNotVoidable("The credits that the invoice %(number)s gave back were used.", number=row.number)


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
