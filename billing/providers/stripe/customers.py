"""Customers, their payment method, and Stripe's portal for them."""

from __future__ import annotations

from typing import Any

import structlog
from stripe import StripeClient

from billing.providers.base import Rejected
from billing.providers.orders import CustomerOrder
from billing.providers.stripe.client import call, digest, options

log = structlog.get_logger(__name__)

TENANT = "assay_tenant"
LOCALES = {"zh-hans": "zh"}


def ensure(client: StripeClient, order: CustomerOrder, *, key: str) -> str:
    """Make the customer where it is not there, bring it up to date where it is; its id."""
    external_id = order.external_id or _known(client, order) or _create(client, order)
    params = _details(order)
    call(client.v1.customers.update, external_id, params, options(f"{key}:{digest(params)}"))
    return external_id


def set_payment_method(client: StripeClient, customer: str, payment_method: str, *, key: str) -> None:
    """What invoices are charged to by themselves."""
    params: Any = {"invoice_settings": {"default_payment_method": payment_method}}
    call(client.v1.customers.update, customer, params, options(f"{key}:{payment_method}"))


def portal_url(client: StripeClient, customer: str, return_url: str) -> str:
    """A page of Stripe where the customer changes payment methods; good for minutes."""
    session = call(client.v1.billing_portal.sessions.create, {"customer": customer, "return_url": return_url})
    return str(session.url)


def _known(client: StripeClient, order: CustomerOrder) -> str:
    """One that was made by a request whose answer was lost longer ago than Stripe remembers keys.

    Search is not there for every account: without it the key of the creation has to suffice.
    """
    try:
        found = call(client.v1.customers.search, {"query": f"metadata['{TENANT}']:'{order.tenant_id}'", "limit": 1})
    except Rejected as refusal:
        log.warning("billing.search_refused", reason=str(refusal))
        return ""
    return found.data[0].id if found.data else ""


def _create(client: StripeClient, order: CustomerOrder) -> str:
    """Only what never changes goes along, so that the key always comes with the same parameters."""
    params: Any = {"metadata": {TENANT: str(order.tenant_id)}}
    made = call(client.v1.customers.create, params, options(f"customer:{order.tenant_id.hex}"))
    if not made.id:
        raise Rejected("Stripe made a customer without an id")
    return made.id


def _details(order: CustomerOrder) -> Any:
    address = {name: value for name, value in order.address.items() if value}
    params: dict[str, Any] = {
        "name": order.name,
        "metadata": {TENANT: str(order.tenant_id)},
        "preferred_locales": [LOCALES.get(order.language.lower(), order.language)],
    }
    return {**params, **({"email": order.email} if order.email else {}), **({"address": address} if address else {})}
