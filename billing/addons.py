"""Add-ons: more of what a plan limits, for whole periods, each with its fee."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from billing import catalogue, counters, currencies, phasing, subscriptions
from billing.domain.money import ZERO
from billing.domain.periods import Period
from billing.errors import SubscriptionState, UnfitAddOn, UnknownPlan
from billing.models import (
    Meter,
    PlanVersion,
    Subscription,
    SubscriptionAddOn,
    SubscriptionStatus,
)
from tenants.querysets import TenantQuerySet

REFUSING = (SubscriptionStatus.SUSPENDED, SubscriptionStatus.PAUSED)


def add(tenant_id: UUID, plan_slug: str, quantity: int, *, actor: str) -> SubscriptionAddOn:
    """Add `quantity` of an add-on from now on; its fee is due in full for this period too, and its units are there.

    Raises `UnknownPlan`, `UnfitAddOn`, `CurrencyNotOffered`, `SubscriptionState`, and `ValueError` below one.
    """
    if quantity < 1:
        raise ValueError("an add-on is bought at least once")
    version = catalogue.published(plan_slug, add_on=True)
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        if subscription.status in REFUSING:
            raise SubscriptionState(status=subscription.status, extra={"subscription_status": subscription.status})
        currencies.require(version, subscription.currency)
        if not fits(version, subscription):
            raise UnfitAddOn(plan=plan_slug)
        row = _write(subscription, version.id, quantity)
        counters.widen(subscription, subscription.period)
        detail = {"add_on": str(version), "quantity": quantity}
        phasing.note(subscription, "changed", key=phasing.new_key(), actor=actor, **detail)
        return row


def fits(version: PlanVersion, subscription: Subscription) -> bool:
    """Whether an add-on has the plan's periods and more of what the plan limits."""
    same_periods = version.interval == subscription.plan_version.interval
    return same_periods and phasing.widens(version.id, subscription.plan_version_id)


def end(tenant_id: UUID, plan_slug: str, *, actor: str) -> SubscriptionAddOn:
    """Let an add-on end with the present period. Raises `UnknownPlan` where the tenant has none of it that goes on."""
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        going_on = _own(subscription).filter(plan_version__plan__slug=plan_slug, ends_at__isnull=True)
        row: SubscriptionAddOn | None = going_on.first()
        if row is None:
            raise UnknownPlan(plan=plan_slug)
        row.ends_at = subscription.current_period_end
        row.save(update_fields=["ends_at"])
        phasing.note(subscription, "changed", key=phasing.new_key(), actor=actor, add_on_ends=plan_slug)
        return row


def active(subscription: Subscription, at: datetime) -> list[SubscriptionAddOn]:
    """The add-ons that count at a moment, with their versions."""
    going_on = _own(subscription).filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)
    return list(going_on.select_related("plan_version__plan"))


def touching(subscription: Subscription, part: Period) -> list[SubscriptionAddOn]:
    """The add-ons whose fee is due for a period, or the part of one that the subscription lasted."""
    begun = _own(subscription) if part.end is None else _own(subscription).filter(starts_at__lt=part.end)
    lasting = begun.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=part.start)).exclude(ends_at=F("starts_at"))
    return list(lasting.select_related("plan_version__plan"))


def units(version: PlanVersion, plugin: str, meter: Meter) -> Decimal:
    """What one of an add-on brings to a pool."""
    found = version.entitlements.filter(plugin=plugin, meter=meter).first()
    return (found.limit or ZERO) if found is not None else ZERO


def _write(subscription: Subscription, version: UUID, quantity: int) -> SubscriptionAddOn:
    """More of one that goes on is a row of this period with all of it; ended periods keep what they had."""
    ending = _ending(subscription, version)
    if ending is not None:
        return _keep(subscription, ending, quantity)
    at = subscriptions.moment_of(subscription)
    before: SubscriptionAddOn | None = _own(subscription).filter(plan_version_id=version, ends_at__isnull=True).first()
    if before is not None and before.starts_at >= subscription.current_period_start:
        before.quantity += quantity
        before.save(update_fields=["quantity"])
        return before
    if before is not None:
        before.ends_at = at = subscription.current_period_start
        before.save(update_fields=["ends_at"])
        quantity += before.quantity
    return _make(subscription, version, quantity, at)


def _ending(subscription: Subscription, version: UUID) -> SubscriptionAddOn | None:
    """One that was to end with this period, which is paid for until then."""
    now = Q(ends_at=subscription.current_period_end, ends_at__isnull=False, starts_at__lt=F("ends_at"))
    found: SubscriptionAddOn | None = _own(subscription).filter(now, plan_version_id=version).first()
    going_on = _own(subscription).filter(plan_version_id=version, ends_at__isnull=True).exists()
    return None if going_on else found


def _keep(subscription: Subscription, ending: SubscriptionAddOn, quantity: int) -> SubscriptionAddOn:
    """Buy again what is paid for until the period ends: only what goes beyond it is due for this period."""
    if quantity < ending.quantity:
        assert ending.ends_at is not None
        return _make(subscription, ending.plan_version_id, quantity, ending.ends_at)
    if ending.starts_at >= subscription.current_period_start:
        ending.ends_at, ending.quantity = None, quantity
        ending.save(update_fields=["ends_at", "quantity"])
        return ending
    ending.ends_at = subscription.current_period_start
    ending.save(update_fields=["ends_at"])
    return _make(subscription, ending.plan_version_id, quantity, subscription.current_period_start)


def _make(subscription: Subscription, version: UUID, quantity: int, at: datetime) -> SubscriptionAddOn:
    made: SubscriptionAddOn = SubscriptionAddOn.objects.create(
        tenant_id=subscription.tenant_id, subscription=subscription, plan_version_id=version, quantity=quantity,
        starts_at=at,
    )  # fmt: skip
    return made


def _own(subscription: Subscription) -> TenantQuerySet[SubscriptionAddOn]:
    own: TenantQuerySet[SubscriptionAddOn] = SubscriptionAddOn.objects.for_tenant(subscription.tenant_id)
    return own.filter(subscription=subscription)
