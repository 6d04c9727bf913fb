"""Our closed invoices, brought to the provider with our total, and what becomes of them here."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from billing import catalogue_sync, clock, customers, inbox_store, provider_objects
from billing.delivery.attempt import Attempt
from billing.delivery.payers import external_customer
from billing.delivery.usage import METERED, floor_minute, key_of
from billing.domain.money import total
from billing.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    OutboxMessage,
    OutboxState,
    Subscription,
    SubscriptionStatus,
    UsageEvent,
)
from billing.providers.base import BillingProvider, Capability, TryAgain
from billing.providers.orders import InvoiceOrder, InvoiceRef, LineOrder
from tenants.context import operator_context

KIND = provider_objects.INVOICE
DAYS_UNTIL_DUE = 14
PATIENCE = timedelta(minutes=45)
"""So long after the closing the provider may go on counting; its draft waits an hour."""
MINUTE = timedelta(minutes=1)


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Let the provider collect an invoice. What it charges of itself for the period becomes part of it."""
    with operator_context():
        invoice: Invoice = Invoice.objects.select_related("subscription").get(pk=attempt.message.payload["invoice"])
        cycle_of = _cycle_of(invoice, provider)
    nothing_due = invoice.state == InvoiceState.PAID and invoice.amount_due <= 0
    if invoice.state == InvoiceState.VOID or (nothing_due and not cycle_of):
        return {}
    if cycle_of:
        _await_counting(invoice, provider)
    customer = external_customer(invoice.tenant_id, provider)
    with operator_context():
        order = _order(invoice, provider, customer, cycle_of)
    _note(invoice, provider, provider.push_invoice(order))
    return {}


def deliver_hold(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """The provider has begun an invoice of the period by itself: it waits for ours."""
    external = attempt.message.payload["external_id"]
    with operator_context():
        ours = provider_objects.by_external(provider, KIND, external)
    if ours is None:
        provider.hold_invoice(external, key=attempt.message.key)
    return {}


def deliver_void(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Void here, void there."""
    there = provider_objects.look_up(provider, KIND, attempt.message.payload["invoice"])
    if there:
        provider.void_invoice(there, key=attempt.message.key)
    return {}


def deliver_payment(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """What was paid by another way is not collected once more. A part of it can not be told there: what is then taken
    too much is given back as credits.
    """
    there = provider_objects.look_up(provider, KIND, attempt.message.payload["invoice"])
    if there:
        with operator_context():
            invoice: Invoice = Invoice.objects.get(pk=attempt.message.payload["invoice"])
        if invoice.state == InvoiceState.PAID:
            provider.settle_invoice(there, key=attempt.message.key)
    return {}


def deliver_giving_up(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Given up here, given up there."""
    there = provider_objects.look_up(provider, KIND, attempt.message.payload["invoice"])
    if there:
        provider.give_up_invoice(there, key=attempt.message.key)
    return {}


def _cycle_of(invoice: Invoice, provider: BillingProvider) -> str:
    """The provider's subscription that makes an invoice of the same period."""
    if Capability.METER_EVENTS not in provider.capabilities or invoice.kind != InvoiceKind.PERIOD:
        return ""
    return provider_objects.external_id(provider, provider_objects.SUBSCRIPTION, invoice.subscription_id)


def _order(invoice: Invoice, provider: BillingProvider, customer: str, cycle_of: str) -> InvoiceOrder:
    return InvoiceOrder(
        invoice_id=invoice.id, number=invoice.number or "", customer=customer, currency=invoice.currency,
        total=invoice.total, lines=_lines(invoice), period_end=invoice.period_end,
        by_transfer=not customers.of(invoice.tenant_id).payment_method, days_until_due=DAYS_UNTIL_DUE,
        external_id=provider_objects.external_id(provider, KIND, invoice.id), cycle_of=cycle_of,
        ended_early=_ended_early(invoice, provider, cycle_of),
    )  # fmt: skip


def _ended_early(invoice: Invoice, provider: BillingProvider, cycle_of: str) -> bool:
    """Whether the provider makes no invoice for the period, because its own goes on or has ended."""
    subscription: Subscription | None = invoice.subscription
    if not cycle_of or subscription is None or subscription.status == SubscriptionStatus.CANCELED:
        return True
    return subscription.anchor > invoice.period_start and subscription.anchor >= invoice.period_end


def _lines(invoice: Invoice) -> list[LineOrder]:
    """Ours, then the discount and the tax: together the total."""
    rows = InvoiceLine.objects.filter(invoice=invoice).order_by("position")
    found = [LineOrder(f"line:{row.id.hex}", row.description, row.amount) for row in rows]
    found.append(LineOrder(f"line:{invoice.id.hex}:discount", "Discount", -invoice.discount))
    tax = f"{invoice.tax_label or 'Tax'} {invoice.tax_percent:f} %"
    found.append(LineOrder(f"line:{invoice.id.hex}:tax", tax, invoice.tax))
    return [line for line in found if line.amount]


def _note(invoice: Invoice, provider: BillingProvider, made: InvoiceRef) -> None:
    with operator_context():
        snapshot = {"total": made.total}
        provider_objects.link(invoice.tenant_id, provider, KIND, invoice.id, made.external_id, snapshot)
        Invoice.objects.filter(pk=invoice.pk).update(
            external_id=made.external_id, hosted_url=made.hosted_url, provider=provider.name
        )
        inbox_store.look_again(provider, KIND, made.external_id, because="linked")
        ids = InvoiceLine.objects.filter(invoice=invoice).values_list("id", flat=True)
        lines = {f"line:{pk.hex}": pk for pk in ids}
        for key, external in made.lines.items():
            if key in lines:
                provider_objects.link(invoice.tenant_id, provider, provider_objects.LINE, lines[key], external)


def _await_counting(invoice: Invoice, provider: BillingProvider) -> None:
    """Raise `TryAgain` while a report of the period's use is on its way, or not counted yet."""
    with operator_context():
        events = UsageEvent.objects.filter(billed__invoice=invoice, billed__stands=True)
        keys = [key_of(pk) for pk in events.values_list("id", flat=True)]
        under_way = OutboxMessage.objects.filter(state=OutboxState.PENDING, key__in=keys).filter(
            Q(ambiguous=True) | Q(claimed_until__gt=clock.now())
        )
        if under_way.exists():
            raise TryAgain("use of the period is still on its way", after=5)
    if invoice.closed_at and clock.now() - invoice.closed_at > PATIENCE:
        return
    start, end = floor_minute(invoice.period_start), floor_minute(invoice.period_end) + MINUTE
    customer = external_customer(invoice.tenant_id, provider)
    for meter, sent in _sent(invoice, provider, start, end).items():
        if provider.usage_summary(customer, meter, start, end) < sent:
            raise TryAgain("the provider has not counted all use of the period yet", after=30)


def _sent(invoice: Invoice, provider: BillingProvider, start: datetime, end: datetime) -> dict[str, Decimal]:
    """Units by the provider's meter that were reported for the span."""
    found: dict[str, list[Decimal]] = {}
    with operator_context():
        events = list(
            UsageEvent.objects.select_related("price__meter").filter(
                tenant_id=invoice.tenant_id, occurred_at__gte=start, occurred_at__lt=end
            )
        )
        keys = {key_of(event.id): event for event in events}
        arrived = OutboxMessage.objects.filter(key__in=list(keys), payload__export=METERED)
        for key in arrived.values_list("key", flat=True):
            stream = catalogue_sync.stream_of(keys[key].price)
            assert stream is not None
            meter = catalogue_sync.external_id(provider, catalogue_sync.METER, stream.stream_id)
            found.setdefault(meter, []).append(keys[key].metered)
    return {meter: total(units) for meter, units in found.items()}
