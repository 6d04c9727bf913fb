"""Subscriptions by item: the licensed fee and the metered prices of one plan version.

Fees are due when a period ends: the first period is not prorated and costs nothing, its fee comes with the next one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stripe import StripeClient

from billing.providers.orders import PriceRef, SubscriptionOrder
from billing.providers.stripe.client import call, digest, options

SUBSCRIPTION = "assay_subscription"
LAST_DAY_OF_EVERY_MONTH = 28


def item(price: PriceRef) -> dict[str, Any]:
    """A metered price is ordered without a quantity."""
    return {"price": price.external_id} if price.metered else {"price": price.external_id, "quantity": 1}


def first_period(order: SubscriptionOrder) -> dict[str, Any]:
    """When periods end. A day that some months lack is told as a day, so that it is remembered over those."""
    if order.anchor is None:
        return {}
    if order.interval == "month" and order.anchor.day > LAST_DAY_OF_EVERY_MONTH:
        return {"billing_cycle_anchor_config": _day(order.anchor), "proration_behavior": "none"}
    return {"billing_cycle_anchor": int(order.anchor.timestamp()), "proration_behavior": "none"}


def create(client: StripeClient, order: SubscriptionOrder, *, key: str) -> str:
    """The subscription's id."""
    params: dict[str, Any] = {
        "customer": order.customer,
        "currency": order.currency,
        "items": [item(price) for price in order.prices],
        "metadata": {SUBSCRIPTION: str(order.subscription_id)},
        **first_period(order),
        **collection(by_transfer=order.by_transfer, days_until_due=order.days_until_due),
    }
    made = call(client.v1.subscriptions.create, params, options(f"{key}:{digest(params)}"))
    return made.id


def update(client: StripeClient, external_id: str, order: SubscriptionOrder, *, key: str) -> None:
    """Bring the items to those of the order; nothing is prorated there, our invoice says what is due."""
    current = call(client.v1.subscriptions.retrieve, external_id)
    there = {each.price.id: each.id for each in current.items.data}  # type: ignore[attr-defined,operator,unused-ignore]
    wanted = {price.external_id: price for price in order.prices}
    added = [item(price) for external, price in wanted.items() if external not in there]
    gone = [{"id": each, "deleted": True} for external, each in there.items() if external not in wanted]
    params: dict[str, Any] = {
        "metadata": {SUBSCRIPTION: str(order.subscription_id)},
        "proration_behavior": "none",
        **({"items": [*added, *gone]} if added or gone else {}),
    }
    call(client.v1.subscriptions.update, external_id, params, options(f"{key}:{digest(params)}"))


def pause(client: StripeClient, external_id: str, *, paused: bool, key: str) -> None:
    """In a pause Stripe's own invoices stay drafts; ours still say what is due."""
    params: Any = {"pause_collection": {"behavior": "keep_as_draft"} if paused else ""}
    call(client.v1.subscriptions.update, external_id, params, options(f"{key}:{digest(params)}"))


def cancel(client: StripeClient, external_id: str, *, key: str) -> None:
    """End it now; our closing invoice says what is due."""
    current = call(client.v1.subscriptions.retrieve, external_id)
    if current.status != "canceled":
        call(client.v1.subscriptions.cancel, external_id, {"invoice_now": False, "prorate": False}, options(key))


def collection(*, by_transfer: bool, days_until_due: int) -> dict[str, Any]:
    """By a payment method on file, or by an invoice that is sent."""
    if by_transfer:
        return {"collection_method": "send_invoice", "days_until_due": days_until_due}
    return {"collection_method": "charge_automatically"}


def _day(anchor: datetime) -> dict[str, int]:
    return {"day_of_month": anchor.day, "hour": anchor.hour, "minute": anchor.minute, "second": anchor.second}
