"""Subscriptions: which one a tenant has, its periods, its beginning and its end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from billing import clock
from billing.domain.periods import Interval, Period, period_at
from billing.errors import PaymentRequired
from billing.models import PhaseKind, PlanVersion, Subscription, SubscriptionPhase, SubscriptionStatus
from tenants import audit

REFUSALS = {
    SubscriptionStatus.PAUSED: "The subscription is paused: resume it to submit new work.",
    SubscriptionStatus.SUSPENDED: "The subscription is suspended: pay the invoices that are overdue.",
}
"""The states that take no new work."""


def subscription_of(tenant_id: UUID) -> Subscription | None:
    """The tenant's subscription with its plan, None where there is none or it was canceled."""
    found: Subscription | None = (
        Subscription.objects.for_tenant(tenant_id)
        .select_related("plan_version__plan")
        .exclude(status=SubscriptionStatus.CANCELED)
        .first()
    )
    return found


def existing(tenant_id: UUID) -> Subscription:
    """Like `subscription_of`, whatever its state; raises `PaymentRequired` instead of None."""
    subscription = subscription_of(tenant_id)
    if subscription is None:
        raise PaymentRequired
    return subscription


def required(tenant_id: UUID) -> Subscription:
    """A subscription that takes new work. Raises `PaymentRequired`, which names the state, where there is none."""
    subscription = existing(tenant_id)
    refusal = REFUSALS.get(SubscriptionStatus(subscription.status))
    if refusal is not None:
        raise PaymentRequired(refusal, extra={"status": subscription.status})
    return subscription


def has_tried(tenant_id: UUID) -> bool:
    """Whether the tenant has, or had, a trial."""
    return bool(Subscription.objects.for_tenant(tenant_id).filter(plan_version__plan__is_trial=True).exists())


def period_of(subscription: Subscription, now: datetime) -> Period:
    """The period that counts at `now`, without writing: the stored one until it has ended, never an earlier one."""
    stored = subscription.period
    if stored.end is None or now < stored.end:
        return stored
    return period_at(subscription.anchor, subscription.interval, now)


def roll(subscription: Subscription, now: datetime) -> Period:
    """Move the stored period on when it has ended; the period that counts at `now`.

    Two that roll at once write the same, and none moves it back: the update only hits the period that was read.
    """
    period = period_of(subscription, now)
    if period.start != subscription.current_period_start:
        Subscription.objects.for_tenant(subscription.tenant_id).filter(
            pk=subscription.pk, current_period_start=subscription.current_period_start
        ).update(current_period_start=period.start, current_period_end=period.end)
        subscription.refresh_from_db(fields=["current_period_start", "current_period_end"])
    return subscription.period


def phase_of(subscription: Subscription) -> SubscriptionPhase:
    """The phase that is open; raises `SubscriptionPhase.DoesNotExist` for a subscription that has ended."""
    phases = SubscriptionPhase.objects.for_tenant(subscription.tenant_id)
    open_one: SubscriptionPhase = phases.get(subscription=subscription, ends_at__isnull=True)
    return open_one


def start(tenant_id: UUID, version: PlanVersion, *, actor: str) -> Subscription:
    """Begin a subscription to a plan version now; call inside the tenant's or the operator's scope."""
    now = clock.now()
    period = period_at(now, Interval(version.interval), now)
    subscription: Subscription = Subscription.objects.create(
        tenant_id=tenant_id, plan_version=version, anchor=now, billed_until=now,
        status=SubscriptionStatus.TRIALING if version.plan.is_trial else SubscriptionStatus.ACTIVE,
        current_period_start=period.start, current_period_end=period.end, currency=version.currency,
    )  # fmt: skip
    SubscriptionPhase.objects.create(
        tenant_id=tenant_id, subscription=subscription, plan_version=version, starts_at=now,
        kind=PhaseKind.TRIAL if version.plan.is_trial else PhaseKind.CHARGED,
    )  # fmt: skip
    subject = str(subscription.id)
    audit.record("subscription.started", tenant_id=tenant_id, actor=actor, subject=subject, plan=str(version))
    return subscription
