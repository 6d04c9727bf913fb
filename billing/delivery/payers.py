"""Customers at the provider."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing import customers, providers
from billing.delivery.attempt import Attempt
from billing.models import BillingCustomer
from billing.providers.base import BillingProvider
from billing.providers.orders import CustomerOrder
from tenants.context import operator_context
from tenants.models import Tenant

ADDRESS = ("line1", "line2", "city", "postal_code", "country")


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Tell the provider the customer's name and address."""
    if provider.name != providers.LOCAL:
        _ensure(attempt.message.tenant_id, provider, key=f"customer.changed:{attempt.message.id.hex}")
    return {}


def deliver_payment_method(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Charge invoices to what the customer has left at the provider's page."""
    customer = external_customer(attempt.message.tenant_id, provider)
    provider.set_payment_method(customer, attempt.message.payload["payment_method"], key=attempt.message.key)
    return {}


def external_customer(tenant_id: UUID, provider: BillingProvider) -> str:
    """The provider's id of the customer, who is made there where need be. Call outside of transactions."""
    with operator_context():
        known = customers.of(tenant_id).external_id
    return known or _ensure(tenant_id, provider, key=f"customer:{tenant_id.hex}:first")


def _ensure(tenant_id: UUID, provider: BillingProvider, *, key: str) -> str:
    with operator_context():
        order = _order(customers.of(tenant_id), Tenant.objects.get(pk=tenant_id))
    external_id = provider.ensure_customer(order, key=key)
    if external_id != order.external_id:
        with operator_context():
            BillingCustomer.objects.for_tenant(tenant_id).filter(external_id=order.external_id).update(
                external_id=external_id, livemode=provider.livemode
            )
    return external_id


def _order(customer: BillingCustomer, tenant: Tenant) -> CustomerOrder:
    address = {name: getattr(customer, name) for name in ADDRESS}
    return CustomerOrder(
        tenant.id, customer.external_id, customer.name or tenant.name, customer.email, address, tenant.language
    )
