"""The turn of periods: closing what has ended, ending a subscription, advancing the clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import F, Q

from billing import clock, invoices, subscriptions
from billing.domain.periods import Period, ended_periods
from billing.errors import ClockGoesBack, ClosingFailed
from billing.models import BillingClock, Invoice, Subscription, SubscriptionPhase, SubscriptionStatus
from tenants import audit
from tenants.context import operator_context

log = structlog.get_logger(__name__)


def advance(to: datetime) -> list[Invoice]:
    """Bring all subscriptions to `to` (aware): close what ends until then; the new invoices.

    For tests, demonstrations and the operator, who may run ahead of the calendar; there is no way back.
    Raises `ClockGoesBack` when billing was advanced further before.
    """
    with operator_context():
        BillingClock.objects.bulk_create([BillingClock(id=1, reached_at=to)], ignore_conflicts=True)
        reached = BillingClock.objects.select_for_update(no_key=True).get(pk=1).reached_at
        if to < reached:
            raise ClockGoesBack(reached=reached.isoformat())
        BillingClock.objects.update(reached_at=to)
    with clock.at(to):
        return close_due(to)


def close_due(now: datetime) -> list[Invoice]:
    """Close every period of every tenant that has ended at `now`; the new invoices. Safe at any time, in any number.

    Raises `ClosingFailed` at the end when some could not be closed; they are tried again the next time.
    """
    with operator_context():
        # a period that was rolled on by new work has left an unbilled one behind
        ended = Q(current_period_end__lte=now) | Q(billed_until__lt=F("current_period_start"))
        due = Subscription.objects.exclude(status=SubscriptionStatus.CANCELED).filter(ended)
        waiting = list(due.order_by("created_at").values_list("id", flat=True))
    made: list[Invoice] = []
    failed: list[UUID] = []
    for subscription_id in waiting:
        try:
            made += _bring_to(now, subscription_id)
        except Exception:
            # one tenant's fault must not keep the invoices of all others back
            log.exception("billing.closing_failed", subscription=str(subscription_id))
            failed.append(subscription_id)
    if failed:
        raise ClosingFailed(", ".join(map(str, failed)))
    return made


def _bring_to(now: datetime, subscription_id: UUID) -> list[Invoice]:
    """In a transaction of its own."""
    with operator_context():
        subscription = Subscription.objects.select_related("plan_version__plan").get(pk=subscription_id)
        made = close_ended(subscription, now)
        subscriptions.roll(subscription, now)
        return made


def close_ended(subscription: Subscription, now: datetime) -> list[Invoice]:
    """Close the subscription's periods that have ended at `now`, oldest first; the new invoices."""
    since = subscription.billed_until
    ended = ended_periods(subscription.anchor, subscription.interval, since, now)
    closed = (invoices.close(subscription, period) for period in ended)
    return [invoice for invoice in closed if invoice]


def end(subscription: Subscription, *, actor: str) -> list[Invoice]:
    """Cancel a subscription now and invoice what is due; a fee whose period has begun is due in full."""
    now = clock.now()
    made = close_ended(subscription, now)
    subscriptions.roll(subscription, now)
    last = invoices.close(subscription, Period(subscription.current_period_start, now))
    subscription.status, subscription.canceled_at = SubscriptionStatus.CANCELED, now
    subscription.current_period_end = now
    subscription.save(update_fields=["status", "canceled_at", "current_period_end"])
    SubscriptionPhase.objects.for_tenant(subscription.tenant_id).filter(
        subscription=subscription, ends_at__isnull=True
    ).update(ends_at=now)
    audit.record("subscription.canceled", tenant_id=subscription.tenant_id, actor=actor, subject=str(subscription.id))
    return [*made, last] if last else made
