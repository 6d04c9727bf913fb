"""Subscriptions at a provider that meters: begun, brought to the plan, paused and ended as they are here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing import catalogue_sync, clock, customers, inbox_store, provider_objects
from billing.delivery.attempt import Attempt
from billing.delivery.payers import external_customer
from billing.domain.periods import Interval, period_at
from billing.models import Price, Subscription, SubscriptionStatus
from billing.providers.base import BillingProvider, Capability, TryAgain
from billing.providers.orders import PriceRef, SubscriptionOrder
from tenants.context import operator_context

KIND = provider_objects.SUBSCRIPTION
DAYS_UNTIL_DUE = 14


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Make it, or bring its items to the plan that counts now; another interval is another subscription there."""
    subscription = _read(attempt)
    if Capability.METER_EVENTS not in provider.capabilities or subscription.status == SubscriptionStatus.CANCELED:
        return {}
    order = order_of(subscription, provider, external_customer(subscription.tenant_id, provider))
    with operator_context():
        there = provider_objects.external_id(provider, KIND, subscription.id)
        known = provider_objects.by_external(provider, KIND, there) if there else None
    if there and (not order.prices or (known and known.snapshot.get("interval", order.interval) != order.interval)):
        provider.cancel_subscription(there, key=f"replace:{attempt.message.id.hex}")
        _unlink(provider, subscription)
        there = ""
    if there:
        provider.update_subscription(there, order, key=f"subscription:{attempt.message.id.hex}")
    elif order.prices:
        there = provider.create_subscription(order, key=f"subscription:{attempt.message.id.hex}")
    else:
        return {}
    with operator_context():
        snapshot = {"interval": order.interval}
        provider_objects.link(subscription.tenant_id, provider, KIND, subscription.id, there, snapshot)
        inbox_store.look_again(provider, KIND, there, because=attempt.message.id.hex)
    return {"external_id": there}


def deliver_pause(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """A pause there, as long as there is one here."""
    subscription = _read(attempt)
    there = provider_objects.look_up(provider, KIND, subscription.id)
    if there:
        paused = subscription.status == SubscriptionStatus.PAUSED
        provider.pause_subscription(there, paused=paused, key=f"pause:{attempt.message.id.hex}")
    return {}


def deliver_end(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Ended here, so ended there; what is due is on our closing invoice."""
    there = provider_objects.look_up(provider, KIND, _read(attempt).id)
    if there:
        provider.cancel_subscription(there, key=f"end:{attempt.message.id.hex}")
    return {}


def order_of(subscription: Subscription, provider: BillingProvider, customer: str) -> SubscriptionOrder:
    """The subscription as a provider takes it. Raises `TryAgain` while its prices are not copied yet."""
    with operator_context():
        method = customers.of(subscription.tenant_id).payment_method
        prices = price_refs(subscription, provider)
    end = _end_of_period(subscription)
    return SubscriptionOrder(
        subscription.id, customer, subscription.currency, prices, end, subscription.plan_version.interval,
        by_transfer=not method, days_until_due=DAYS_UNTIL_DUE,
    )  # fmt: skip


def price_refs(subscription: Subscription, provider: BillingProvider) -> list[PriceRef]:
    """The prices of a subscription that the provider charges by. Raises `TryAgain` while one is not copied yet."""
    rows = Price.objects.select_related("meter", "plan_version__plan").filter(
        plan_version=subscription.plan_version_id, currency=subscription.currency
    )
    refs: list[PriceRef] = []
    for price in rows:
        if catalogue_sync.price_order(price) is None:
            continue
        external = catalogue_sync.external_id(provider, catalogue_sync.PRICE, price.id)
        if not external:
            raise TryAgain(f"{catalogue_sync.lookup_key(price)} is not at the provider yet", after=60)
        refs.append(PriceRef(external, price.meter is not None))
    return refs


def _end_of_period(subscription: Subscription) -> datetime | None:
    """When the next invoice is due, never in the past."""
    end, now = subscription.current_period_end, clock.now()
    if end is not None and end <= now:
        end = period_at(subscription.anchor, Interval(subscription.plan_version.interval), now).end
    return end


def _read(attempt: Attempt) -> Subscription:
    with operator_context():
        found: Subscription = Subscription.objects.select_related("plan_version__plan").get(
            pk=attempt.message.payload["subscription"]
        )
    return found


def _unlink(provider: BillingProvider, subscription: Subscription) -> None:
    with operator_context():
        provider_objects.unlink(provider, KIND, subscription.id)
