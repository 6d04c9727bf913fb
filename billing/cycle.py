"""The turn of periods: closing what has ended, ending a subscription, advancing the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q

from billing import charges, clock, closing, reading, standing, subscriptions
from billing.domain.course import ended_parts, steps
from billing.errors import ClockGoesBack, ClosingFailed
from billing.models import BillingClock, Invoice, Subscription, SubscriptionStatus
from tenants.context import operator_context

log = structlog.get_logger(__name__)
Bring = Callable[[datetime, Subscription], list[Invoice]]
BATCH = 500
"""Subscriptions that are read at once."""


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
    """Bring every subscription that has something due at `now` to that moment; the new invoices.

    Safe at any time, in any number. Raises `ClosingFailed` at the end when some could not be closed; they are tried
    again the next time.
    """
    made: list[Invoice] = []
    failed: list[UUID] = []
    for subscription, bring in chain(_waiting(_due(now), _bring_to), _waiting(charges.late(now), _close_late)):
        try:
            made += bring(now, subscription)
        except Exception:
            # one tenant's fault must not keep the invoices of all others back
            log.exception("billing.closing_failed", subscription=str(subscription.id))
            failed.append(subscription.id)
    if failed:
        raise ClosingFailed(", ".join(map(str, failed)))
    return made


def _waiting(which: Q, bring: Bring) -> Iterator[tuple[Subscription, Bring]]:
    """Some at a time; each is read again when it is locked."""
    with operator_context():
        ids = list(Subscription.objects.filter(which).order_by("created_at").values_list("id", flat=True))
    for start in range(0, len(ids), BATCH):
        with operator_context():
            rows = Subscription.objects.select_related("plan_version__plan")
            some = list(rows.filter(pk__in=ids[start : start + BATCH]).order_by("created_at"))
        yield from ((subscription, bring) for subscription in some)


def _due(now: datetime) -> Q:
    """What was written by others, as new work rolls a period on, has left unbilled periods behind."""
    running = ~Q(status=SubscriptionStatus.CANCELED)
    ended = Q(current_period_end__lte=now) | Q(billed_until__lt=F("current_period_start"))
    trial_over = Q(status=SubscriptionStatus.TRIALING, trial_end__lte=now)
    return running & (ended | trial_over) | Q(status=SubscriptionStatus.CANCELED, billed_until__lt=F("canceled_at"))


def _bring_to(now: datetime, subscription: Subscription) -> list[Invoice]:
    """In a transaction of its own."""
    with operator_context():
        return bring_to(subscription, now)


def _close_late(now: datetime, subscription: Subscription) -> list[Invoice]:
    """In a transaction of its own."""
    with operator_context():
        subscriptions.lock(subscription)
        made = closing.close_late(subscription, now)
        return [made] if made else []


def bring_to(subscription: Subscription, now: datetime) -> list[Invoice]:
    """Lock a subscription and let happen to it what is due at `now`, in order; the invoices of all ended periods.

    A period is closed before anything that begins with its end.
    """
    subscriptions.lock(subscription)
    with reading.shared():
        made = close_ended(subscription, subscription.canceled_at or subscription.current_period_start)
        before = standing.course_of(subscription)
        for at, later in steps(before, now):
            made += close_ended(subscription, at)
            standing.apply(subscription, before, later, at)
            before = later
    return made


def close_ended(subscription: Subscription, now: datetime) -> list[Invoice]:
    """Close a locked subscription's periods that have ended, or were cut, at `now`, oldest first; the new invoices."""
    grid = subscriptions.grid(subscription)
    ended = list(ended_parts(grid, subscription.time_zone, subscription.billed_until, now))
    closed = (closing.close_held(subscription, each.part) for each in ended)
    return [invoice for invoice in closed if invoice]


def end(subscription: Subscription, *, actor: str) -> list[Invoice]:
    """Cancel a subscription now and invoice what is due: the fee up to now, and the work that is finished."""
    with transaction.atomic():
        made = bring_to(subscription, clock.now())
        if subscription.canceled_at is not None:
            return made
        before, at = standing.course_of(subscription), subscriptions.moment_of(subscription)
        later = replace(before, ended_at=at)
        standing.apply(subscription, before, later, at, actor=actor)
        return [*made, *close_ended(subscription, at)]
