"""Credit notes and refunds at the provider."""

from __future__ import annotations

from typing import Any

from billing import inbox_store, provider_objects, providers
from billing.delivery.attempt import Attempt
from billing.models import CreditNote, Refund, RefundState
from billing.providers.base import BillingProvider
from billing.providers.orders import CreditNoteOrder, RefundOrder
from tenants.context import operator_context


def deliver_credit_note(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Beside the provider's copy of the invoice, where there is one."""
    with operator_context():
        note: CreditNote = CreditNote.objects.get(pk=attempt.message.payload["credit_note"])
        invoice = provider_objects.external_id(provider, provider_objects.INVOICE, note.invoice_id)
        known = provider_objects.external_id(provider, provider_objects.CREDIT_NOTE, note.id)
    if not invoice or known:
        return {}
    order = CreditNoteOrder(note.id, note.number, invoice, note.total, note.reason)
    external = provider.create_credit_note(order, key=f"credit_note:{note.id.hex}")
    with operator_context():
        provider_objects.link(note.tenant_id, provider, provider_objects.CREDIT_NOTE, note.id, external)
    return {"external_id": external}


def deliver_refund(attempt: Attempt, _provider: BillingProvider) -> dict[str, Any]:
    """Back by the way that the payment came, which is not always the customer's provider of today."""
    with operator_context():
        refund: Refund = Refund.objects.select_related("payment").get(pk=attempt.message.payload["refund"])
    if refund.state != RefundState.PENDING or refund.external_id:
        return {}
    provider = providers.by_name(refund.payment.provider)
    order = RefundOrder(refund.id, refund.payment.external_id, refund.amount, refund.currency)
    external = provider.refund(order, key=f"refund:{refund.id.hex}")
    with operator_context():
        Refund.objects.filter(pk=refund.pk).update(external_id=external)
        provider_objects.link(refund.tenant_id, provider, provider_objects.REFUND, refund.id, external)
        inbox_store.look_again(provider, provider_objects.REFUND, external, because="linked")
    return {"external_id": external}
