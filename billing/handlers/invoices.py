"""How the provider's copy of an invoice stands."""

from __future__ import annotations

from billing import invoices, outbox, payments, provider_objects
from billing.handlers.context import Context
from billing.models import Invoice, InvoiceState, Payment
from billing.providers.facts import InvoiceFacts

KIND = provider_objects.INVOICE
MANUAL = "manual"
PAYABLE = (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)


def apply(facts: InvoiceFacts, context: Context) -> bool:
    """Book what was paid, and let it be void or given up as it is there."""
    invoice = _ours(facts, context)
    if invoice is None:
        return _hold_back(facts, context)
    if not provider_objects.external_id(context.provider, KIND, invoice.id):
        provider_objects.link(invoice.tenant_id, context.provider, KIND, invoice.id, facts.external_id)
    row = provider_objects.by_external(context.provider, KIND, facts.external_id)
    snapshot = {"state": facts.state, "failed_attempts": facts.failed_attempts, "total": facts.total}
    newest = row is None or provider_objects.see(row, snapshot, context.seen_at)
    _book_payments(invoice, facts, context)
    if newest:
        _follow(invoice, facts, context)
    return True


def _ours(facts: InvoiceFacts, context: Context) -> Invoice | None:
    row = provider_objects.by_external(context.provider, KIND, facts.external_id)
    local_id = row.local_id if row else facts.invoice_id
    found: Invoice | None = Invoice.objects.filter(pk=local_id).first()
    return found


def _hold_back(facts: InvoiceFacts, context: Context) -> bool:
    """The provider's own draft of a period waits until ours is closed; what belongs to nobody here is let go."""
    kind = provider_objects.SUBSCRIPTION
    row = provider_objects.by_external(context.provider, kind, facts.subscription) if facts.subscription else None
    if row is None or facts.state != InvoiceState.DRAFT:
        return False
    outbox.enqueue(
        row.tenant_id, "invoice.made_by_provider", key=f"hold:{facts.external_id}",
        payload={"external_id": facts.external_id},
    )  # fmt: skip
    return True


def _book_payments(invoice: Invoice, facts: InvoiceFacts, context: Context) -> None:
    """Each once, by the provider's id of it; what came by another way may be in the books already."""
    for payment in facts.payments:
        amount = payment.amount - (_recorded_by_hand(invoice) if payment.method == MANUAL else 0)
        if amount <= 0:
            continue
        payments.record(
            invoice, amount, actor=context.actor, method=payment.method, provider=context.provider.name,
            external_id=payment.external_id,
        )  # fmt: skip


def _recorded_by_hand(invoice: Invoice) -> int:
    rows = Payment.objects.for_tenant(invoice.tenant_id).filter(invoice=invoice, provider=payments.LOCAL)
    return sum(rows.values_list("amount", flat=True))


def _follow(invoice: Invoice, facts: InvoiceFacts, context: Context) -> None:
    if facts.hosted_url and facts.hosted_url != invoice.hosted_url:
        Invoice.objects.filter(pk=invoice.pk).update(hosted_url=facts.hosted_url, external_id=facts.external_id)
    invoice.refresh_from_db()
    reason = f"as at {context.provider.name}"
    if facts.state == InvoiceState.VOID and invoice.state in PAYABLE:
        invoices.void(invoice, reason=reason, actor=context.actor)
    elif facts.state == InvoiceState.UNCOLLECTIBLE and invoice.state == InvoiceState.OPEN:
        invoices.mark_uncollectible(invoice, reason=reason, actor=context.actor)
