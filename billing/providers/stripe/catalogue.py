"""The catalogue at Stripe: products, meters, prices, coupons. Made once, never changed; found again where they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from stripe import StripeClient

from billing.providers.base import Rejected
from billing.providers.orders import CouponOrder, MeterOrder, PriceOrder
from billing.providers.stripe.client import call, digest, options

EXISTS = "resource_already_exists"


def product_id(plan_id: UUID) -> str:
    """Products carry our name for them, so that none is made twice."""
    return f"assay_{plan_id.hex}"


def sync_product(client: StripeClient, plan_id: UUID, slug: str, name: str) -> str:
    """The plan's product, with its name of today."""
    external_id = product_id(plan_id)
    params: Any = {"id": external_id, "name": name, "metadata": {"assay_plan": slug}}
    try:
        call(client.v1.products.create, params, options(f"product:{plan_id.hex}:{digest(params)}"))
    except Rejected as refusal:
        if refusal.code != EXISTS:
            raise
        call(client.v1.products.update, external_id, {"name": name})
    return external_id


def sync_meter(client: StripeClient, order: MeterOrder) -> str:
    """The meter with this event name: Stripe has one active one for each."""
    for meter in call(client.v1.billing.meters.list, {"status": "active", "limit": 100}).auto_paging_iter():
        if meter.event_name == order.event_name:
            return meter.id
    params: Any = {
        "display_name": order.display_name,
        "event_name": order.event_name,
        "default_aggregation": {"formula": order.formula},
        "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
        "value_settings": {"event_payload_key": "value"},
    }
    made = call(client.v1.billing.meters.create, params, options(f"meter:{order.stream_id.hex}:{digest(params)}"))
    return made.id


def sync_price(client: StripeClient, order: PriceOrder) -> str:
    """The price with this lookup key. A published version never changes, so neither does its price."""
    found = call(client.v1.prices.list, {"lookup_keys": [order.lookup_key], "limit": 1})
    if found.data:
        return found.data[0].id
    recurring: dict[str, Any] = {"interval": order.interval, "usage_type": "licensed"}
    if order.meter is not None:
        recurring |= {"usage_type": "metered", "meter": sync_meter(client, order.meter)}
    params: Any = {
        "product": sync_product(client, order.plan_id, order.plan_slug, order.plan_name),
        "currency": order.currency,
        "lookup_key": order.lookup_key,
        "recurring": recurring,
        "metadata": {"assay_price": str(order.price_id)},
        **order.terms,
    }
    made = call(client.v1.prices.create, params, options(f"price:{order.price_id.hex}:{digest(params)}"))
    return made.id


def sync_coupon(client: StripeClient, order: CouponOrder) -> str:
    """The coupon and the promotion code that customers type; the code's id."""
    coupon_id = f"assay_{order.coupon_id.hex}"
    params = _coupon(order) | {"id": coupon_id}
    try:
        call(client.v1.coupons.create, params, options(f"coupon:{order.coupon_id.hex}:{digest(params)}"))
    except Rejected as refusal:
        if refusal.code != EXISTS:
            raise
    known = call(client.v1.promotion_codes.list, {"coupon": coupon_id, "code": order.code, "limit": 1})
    if known.data:
        return known.data[0].id
    code: Any = {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": order.code}
    if order.expires_at is not None:
        code["expires_at"] = int(order.expires_at.timestamp())
    if order.max_redemptions is not None:
        code["max_redemptions"] = order.max_redemptions
    made = call(client.v1.promotion_codes.create, code, options(f"promotion_code:{order.coupon_id.hex}:{digest(code)}"))
    return made.id


def _coupon(order: CouponOrder) -> Any:
    params: dict[str, Any] = {"name": order.code, "duration": order.duration}
    if order.percent:
        params["percent_off"] = f"{order.percent:f}"
    else:
        params |= {"amount_off": order.amount, "currency": order.currency}
    if order.periods is not None:
        params["duration_in_months"] = order.periods
    return params
