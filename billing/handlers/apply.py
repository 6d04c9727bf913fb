"""From how an object stands at its provider to what follows here. Each handler may run any number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.handlers import checkout, corrections, customers, invoices, subscriptions
from billing.handlers.context import Context
from billing.providers.facts import (
    CheckoutFacts,
    CreditNoteFacts,
    CustomerFacts,
    DisputeFacts,
    Facts,
    InvoiceFacts,
    RefundFacts,
    SubscriptionFacts,
    UsageFaults,
)

HANDLERS: dict[type[Any], Callable[[Any, Context], bool]] = {
    CustomerFacts: customers.apply,
    CheckoutFacts: checkout.apply,
    SubscriptionFacts: subscriptions.apply,
    InvoiceFacts: invoices.apply,
    CreditNoteFacts: corrections.apply_credit_note,
    RefundFacts: corrections.apply_refund,
    DisputeFacts: corrections.apply_dispute,
    UsageFaults: corrections.apply_usage_faults,
}


def apply(facts: Facts, context: Context) -> bool:
    """Bring our side to the facts, in the caller's transaction and the operator's scope; False: none of ours."""
    return HANDLERS[type(facts)](facts, context)
