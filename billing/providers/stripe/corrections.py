"""Credit notes and refunds."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from billing.providers.orders import CreditNoteOrder, RefundOrder
from billing.providers.stripe.client import call, options

CREDIT_NOTE, REFUND = "assay_credit_note", "assay_refund"


def create_credit_note(client: StripeClient, order: CreditNoteOrder, *, key: str) -> str:
    """First off what is still owed; the rest was paid, and goes back by a refund of its own."""
    remaining = call(client.v1.invoices.retrieve, order.invoice).amount_remaining
    paid_part = max(0, order.total - remaining)
    params: dict[str, Any] = {
        "invoice": order.invoice,
        "amount": order.total,
        "memo": f"{order.number}: {order.reason}"[:500],
        "metadata": {CREDIT_NOTE: str(order.credit_note_id)},
        **({"out_of_band_amount": paid_part} if paid_part else {}),
    }
    return call(client.v1.credit_notes.create, params, options(key)).id


def refund(client: StripeClient, order: RefundOrder, *, key: str) -> str:
    """Money back to where it came from."""
    source = "charge" if order.payment.startswith("ch_") else "payment_intent"
    params: Any = {source: order.payment, "amount": order.amount, "metadata": {REFUND: str(order.refund_id)}}
    return call(client.v1.refunds.create, params, options(key)).id
