"""The order in which rows of a tenant's money are locked: subscription, customer, credits, invoice."""

from __future__ import annotations

from uuid import UUID

from billing import customers, subscriptions
from billing.models import BillingCustomer, Invoice, Subscription


def customer(tenant_id: UUID) -> BillingCustomer:
    """The customer, locked, after the subscription that the tenant has; call inside a transaction.

    For whatever may come to the subscription later: a payment, say, lets one that was suspended work again.
    """
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is not None:
        Subscription.objects.for_tenant(tenant_id).select_for_update(no_key=True).get(pk=subscription.pk)
    return customers.lock(tenant_id)


def locked(invoice: Invoice) -> Invoice:
    """The invoice as it stands, locked, after the tenant's subscription and customer; call inside a transaction."""
    customer(invoice.tenant_id)
    row: Invoice = Invoice.objects.for_tenant(invoice.tenant_id).select_for_update(no_key=True).get(pk=invoice.pk)
    return row
