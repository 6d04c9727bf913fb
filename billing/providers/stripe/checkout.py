"""Checkout: a subscription, a payment, or a payment method."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from billing.providers.orders import CheckoutOrder, CheckoutRef
from billing.providers.stripe.client import call, digest, options
from billing.providers.stripe.subscriptions import SUBSCRIPTION, first_period, item

SESSION = "assay_checkout"


def create(client: StripeClient, order: CheckoutOrder) -> CheckoutRef:
    """A page for one visit."""
    params: dict[str, Any] = {
        "customer": order.customer,
        "client_reference_id": str(order.session_id),
        "metadata": {SESSION: str(order.session_id), **order.metadata},
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        **_what(order),
    }
    made = call(
        client.v1.checkout.sessions.create, params, options(f"checkout:{order.session_id.hex}:{digest(params)}")
    )
    return CheckoutRef(made.id, made.url or "")


def _what(order: CheckoutOrder) -> dict[str, Any]:
    if order.subscription is not None and order.subscription.prices:
        wanted = order.subscription
        data = {"metadata": {SUBSCRIPTION: "", SESSION: str(order.session_id)}, **first_period(wanted)}
        lines = [item(price) for price in wanted.prices]
        return {"mode": "subscription", "line_items": lines, "subscription_data": data, "allow_promotion_codes": True}
    if order.lines:
        metadata = {SESSION: str(order.session_id)}
        lines = [_line(text, amount, order.currency) for text, amount in order.lines]
        return {"mode": "payment", "line_items": lines, "payment_intent_data": {"metadata": metadata}}
    return {"mode": "setup", "currency": order.currency}


def _line(text: str, amount: int, currency: str) -> dict[str, Any]:
    return {
        "quantity": 1,
        "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": text}},
    }
