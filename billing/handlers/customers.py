"""What the provider knows of a customer."""

from __future__ import annotations

from typing import Any

from billing.handlers.context import Context
from billing.models import BillingCustomer
from billing.providers.facts import CustomerFacts


def apply(facts: CustomerFacts, context: Context) -> bool:
    """Show the payment method. A customer who was deleted there is made anew when there is something to collect."""
    rows = BillingCustomer.objects.filter(provider=context.provider.name, external_id=facts.external_id)
    values: dict[str, Any] = {"payment_method": facts.payment_method}
    if facts.deleted:
        values["external_id"] = ""
    return bool(rows.update(**values))
