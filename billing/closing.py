"""Closing: a period's finished work and fees become an open, numbered, booked invoice."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import charges, clock, coupon_codes, credits, customers, ledger, numbering, outbox, texts
from billing.charges import Charge
from billing.domain.invoicing import Line
from billing.domain.money import exact_arithmetic, total
from billing.domain.periods import Period
from billing.models import (
    Account,
    BilledUsage,
    BillingCustomer,
    GrantKind,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    Meter,
    Subscription,
    UsageEvent,
)
from tenants import audit
from tenants.querysets import TenantQuerySet

BATCH = 1000
OPENED = [
    "subtotal", "discount", "tax", "total", "billed_to", "closed_at", "due_at", "state", "paid_at", "sequence",
    "number",
]  # fmt: skip


def close(subscription: Subscription, period: Period) -> Invoice | None:
    """Turn an ended period into an open, numbered invoice; None when nothing is on it, or it was closed before.

    `period` may end before the grid's does, where a subscription ends now: fees are then due up to its end.
    """
    with transaction.atomic():
        own = Subscription.objects.for_tenant(subscription.tenant_id).select_for_update(no_key=True)
        subscription.refresh_from_db(fields=["billed_until"], from_queryset=own)
        return close_held(subscription, period)


def close_held(subscription: Subscription, period: Period) -> Invoice | None:
    """`close` for a subscription that is locked in this transaction.

    1. Lock the customer too. The subscription's lock lets a period be closed once.
    2. Put all finished work that is on no invoice yet on this one; later work goes to the next.
    3. Write the lines, book them, give the number last: the sequence is locked as short as can be.
    """
    customer = customers.lock(subscription.tenant_id)
    if period.end is None or subscription.billed_until >= period.end:
        return None
    subscription.billed_until = period.end
    Subscription.objects.filter(pk=subscription.pk).update(billed_until=period.end)
    due = charges.unbilled(subscription.tenant_id, subscription.currency)
    return _close(subscription, customer, period, due)


def close_late(subscription: Subscription, now: datetime) -> Invoice | None:
    """Invoice what ended, or was set free by a void, after a locked subscription was over and its last period closed.

    The period of the invoice is the time since the one before.
    """
    due = charges.unbilled(subscription.tenant_id, subscription.currency).filter(subscription=subscription)
    period = Period(subscription.billed_until, now)
    if period.start >= now or not due.filter(occurred_at__lt=now).exists():
        return None
    subscription.billed_until = now
    subscription.save(update_fields=["billed_until"])
    return _close(subscription, customers.lock(subscription.tenant_id), period, due)


def _close(
    subscription: Subscription, customer: BillingCustomer, period: Period, due: TenantQuerySet[UsageEvent]
) -> Invoice | None:
    assert period.end is not None
    invoice = draft(customer, InvoiceKind.PERIOD, period, subscription.currency, subscription)
    # first what it charges, then the lines of just that: work that ends meanwhile is on the next invoice
    taken = _bill(invoice, due.filter(occurred_at__lt=period.end))
    own = UsageEvent.objects.for_tenant(subscription.tenant_id)
    billed = own.filter(billed__invoice=invoice) if taken else own.none()
    charge = charges.charge_of(subscription, customer, period, billed)
    if not charge.bill.lines:
        invoice.delete()
        return None
    write(invoice, charge.bill.lines, discount=charge.bill.discount, tax=charge.bill.tax)
    _book(invoice, charge)
    _take_coupons(invoice, charge)
    if charge.bill.returned:
        credits.grant(
            invoice.tenant_id, charge.bill.returned, invoice.currency, kind=GrantKind.RETURNED,
            reason="paid more than was charged", actor="billing", invoice=invoice, key=f"invoice:{invoice.id}:returned",
        )  # fmt: skip
    open_numbered(invoice)
    return invoice


def draft(
    customer: BillingCustomer, kind: InvoiceKind, period: Period, currency: str, subscription: Subscription | None
) -> Invoice:
    """An empty invoice with what the customer and the issuer are on this day."""
    made: Invoice = Invoice.objects.create(
        tenant_id=customer.tenant_id, subscription=subscription, kind=kind, issuer=numbering.INVOICES,
        period_start=period.start, period_end=period.end, currency=currency, created_at=clock.now(),
        tax_percent=customer.tax_percent, tax_label=customer.tax_label, provider=customer.provider,
        billed_to=billed_to(customer), issued_by=dict(settings.ASSAY_ISSUER),
    )  # fmt: skip
    return made


def billed_to(customer: BillingCustomer) -> dict[str, Any]:
    """The customer's address as it stands on an invoice."""
    names = ("name", "email", "line1", "line2", "city", "postal_code", "country", "tax_id")
    named = {name: getattr(customer, name) for name in names}
    return named | {"name": customer.name or customer.tenant.name}


def write(invoice: Invoice, lines: list[Line], *, discount: int, tax: int) -> None:
    """The lines of a draft, and its sums, which are stored when it is opened."""
    used = {line.group.meter for line in lines if line.group}
    meters = {meter.slug: meter for meter in Meter.objects.filter(slug__in=used)} if used else {}
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
    invoice.subtotal = sum(line.amount for line in lines)
    invoice.discount, invoice.tax = discount, tax
    invoice.total = invoice.subtotal - discount + tax


def open_numbered(invoice: Invoice) -> None:
    """Close the draft and give it the next number; an invoice of nothing is paid at once."""
    invoice.closed_at = clock.now()
    invoice.due_at = invoice.closed_at + timedelta(days=settings.ASSAY_INVOICE_DAYS)
    invoice.state = InvoiceState.OPEN if invoice.total else InvoiceState.PAID
    invoice.paid_at = None if invoice.total else invoice.closed_at
    number = numbering.take(invoice.issuer)
    invoice.sequence, invoice.number = number.sequence, str(number)
    invoice.save(update_fields=OPENED)
    if invoice.state == InvoiceState.OPEN:
        announce(invoice, "opened")
    audit.record("invoice.closed", tenant_id=invoice.tenant_id, actor="billing", subject=invoice.number)


def announce(invoice: Invoice, what: str) -> None:
    """Tell whoever collects: `invoice.opened`, `invoice.voided`, `invoice.uncollectible`."""
    outbox.enqueue(
        invoice.tenant_id, f"invoice.{what}", key=f"invoice:{invoice.id.hex}:{what}",
        payload={"invoice": str(invoice.id)}, serial=f"customer:{invoice.tenant_id}",
    )  # fmt: skip


def _bill(invoice: Invoice, due: TenantQuerySet[UsageEvent]) -> int:
    """How much work the invoice takes.

    Unique on the event: work that another invoice has taken in the meantime makes this closing fail, not double.
    """
    taken = [
        BilledUsage(tenant_id=invoice.tenant_id, usage_event_id=event, invoice=invoice)
        for event in due.order_by().values_list("id", flat=True)
    ]
    BilledUsage.objects.bulk_create(taken, batch_size=BATCH)
    return len(taken)


def _take_coupons(invoice: Invoice, charge: Charge) -> None:
    """Note what each coupon took off, and count one invoice of those that took something."""
    taken = [each for each in zip(charge.redemptions, charge.bill.discounts, strict=True) if each[1]]
    coupon_codes.use_up(redemption for redemption, _ in taken)
    invoice.billed_to["coupons"] = [
        {"code": redemption.coupon.code, "redemption": str(redemption.id), "amount": amount}
        for redemption, amount in taken
    ]


def _book(invoice: Invoice, charge: Charge) -> None:
    """Accrued usage, less what credits have paid, becomes receivable; fees are earned and surplus, discounts and
    returned credits given up here; roundings show what they are."""
    lines = charge.bill.lines
    quoted = total(line.exact for line in lines if line.group and line.exact > 0)
    earned = total(line.exact for line in lines if line.code != "credits")
    with exact_arithmetic():
        postings = {
            Account.RECEIVABLE: Decimal(invoice.total),
            Account.ACCRUED: charge.credited - quoted,
            Account.REVENUE: invoice.discount - (earned - quoted),
            Account.CREDIT: -charge.bill.returned,
            Account.TAX: -Decimal(invoice.tax),
        }
    postings[Account.ROUNDING] = -total(postings.values())
    ledger.post(
        invoice.tenant_id, source=("invoice", invoice.id), kind="closing", currency=invoice.currency,
        postings=[ledger.Posting(account, amount) for account, amount in postings.items()],
        occurred_at=invoice.period_end,
    )  # fmt: skip
