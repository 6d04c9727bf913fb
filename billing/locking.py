"""The order in which rows of a tenant's money are locked: subscription, customer, credits, invoice."""

from __future__ import annotations

from billing import customers, subscriptions
from billing.models import Invoice, Subscription


def locked(invoice: Invoice) -> Invoice:
    """The invoice as it stands, locked, after the tenant's subscription and customer; call inside a transaction."""
    subscription = subscriptions.subscription_of(invoice.tenant_id)
    if subscription is not None:
        Subscription.objects.for_tenant(invoice.tenant_id).select_for_update(no_key=True).get(pk=subscription.pk)
    customers.lock(invoice.tenant_id)
    row: Invoice = Invoice.objects.for_tenant(invoice.tenant_id).select_for_update(no_key=True).get(pk=invoice.pk)
    return row
