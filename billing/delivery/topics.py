"""Which message is delivered how. What a deliverer returns is noted in the message's payload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.delivery import corrections, invoices, payers, subscriptions, usage
from billing.delivery.attempt import Attempt
from billing.providers.base import BillingProvider

Deliverer = Callable[[Attempt, BillingProvider], dict[str, Any]]

TOPICS: dict[str, Deliverer] = {
    usage.TOPIC: usage.deliver,
    "customer.changed": payers.deliver,
    "payment_method.left": payers.deliver_payment_method,
    "subscription.started": subscriptions.deliver,
    "subscription.changed": subscriptions.deliver,
    "subscription.paused": subscriptions.deliver_pause,
    "subscription.resumed": subscriptions.deliver_pause,
    "subscription.canceled": subscriptions.deliver_end,
    "invoice.opened": invoices.deliver,
    "invoice.made_by_provider": invoices.deliver_hold,
    "payment.recorded": invoices.deliver_payment,
    "invoice.voided": invoices.deliver_void,
    "invoice.uncollectible": invoices.deliver_giving_up,
    "credit_note.issued": corrections.deliver_credit_note,
    "refund.requested": corrections.deliver_refund,
}
LOCAL_TOO = ("refund.requested",)
"""What the local provider also has to do something for."""


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Bring one message to its provider; one that concerns nobody outside has arrived already."""
    deliverer = TOPICS.get(attempt.message.topic)
    return deliverer(attempt, provider) if deliverer else {}
