"""Places and quotes: what work may begin, what it will cost, and what it has cost.

All functions run in the caller's transaction and scope, so that a job and its place are written together or not at all.
Locks are taken in one order: subscription, counter, spending, credits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import clock, counters, funding, metering, pace, places, settlement, subscriptions, terms
from billing.domain.money import round_half_up, total
from billing.errors import NoReservation
from billing.models import (
    Entitlement,
    Funding,
    QuotaCounter,
    Reservation,
    ReservationState,
    Subscription,
    UsageEvent,
)
from billing.settlement import Finished as Finished
from billing.terms import Terms
from tenants.context import operator_context

SWEEP_BATCH = 500


@dataclass(frozen=True, slots=True)
class Quote:
    """What a job costs: `exact` minor units, shown half up as `amount`; `quantity` is in the plugin's `unit`."""

    unit: str
    quantity: Decimal
    amount: int
    exact: Decimal
    currency: str
    meter: str


@dataclass(frozen=True, slots=True)
class QuotaState:
    """What is left of one limit. A limit that is not `hard` is an included quota: use beyond it is charged.

    `plugin` is "*" where the limit is shared by all plugins. `resets_at` is None for limits that never do.
    """

    meter: str
    limit: Decimal | None
    used: Decimal
    reserved: Decimal
    resets_at: datetime | None
    hard: bool = False
    plugin: str = "*"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a job at this moment, and the state of the quota that it would draw on."""

    quote: Quote
    quota: list[QuotaState]


def estimate(tenant_id: UUID, *, plugin: str, unit: str, quantity: Decimal, subject: str = "") -> Estimate:
    """What `reserve` would quote now; writes nothing and refuses nothing for want of quota or money.

    Raises `PaymentRequired` without a subscription that takes work, and `FeatureNotInPlan`.
    """
    subscription = subscriptions.required(tenant_id)
    found = terms.find(subscription.plan_version, plugin, unit, subscription.currency)
    period = subscriptions.period_of(subscription, clock.now())
    counter = counters.look(subscription, found, period)
    metered = metering.measure(counter, found, quantity, subject)
    exact = places.quote(counter, found, counter.reserved, metered)
    quote = Quote(unit, quantity, round_half_up(exact), exact, subscription.currency, found.meter.slug)
    return Estimate(quote, [_state(counter)])


def reserve(
    tenant_id: UUID, *, job_id: UUID, plugin: str, unit: str, quantity: Decimal, subject: str = ""
) -> Reservation:
    """Take a place for a job and fix its price.

    1. Keep the subscription still; find its terms, and the counter of the current phase and period, locked.
    2. Is there room, and no crowd? The places of other jobs can not change meanwhile.
    3. Quote by the position that the place would have.
    4. Which credits, and how much money, are there for the quote? All that decides is locked by now.
    5. Only then write: the place by one conditional UPDATE, which asks for room again, and what it holds.

    Raises `PaymentRequired`, `FeatureNotInPlan`, `SubmitRate`, `QuotaExceeded`, `ConcurrencyLimit` and
    `SpendingLimitReached`; after each of them nothing of the work is written, even when the caller's transaction goes
    on: only what the calendar has brought, a period that has begun with rows of zeros.
    """
    work = places.Work(job_id, plugin, unit, quantity, subject)
    subscription = _admitted(tenant_id, work)
    period = subscriptions.roll(subscription, clock.now())
    found = _terms(subscription, work)
    counter = counters.open_for(subscription, found, period)
    reservation = places.offer(counter, found, work)
    payment = funding.promise(reservation, prepaid=subscription.plan_version.funding == Funding.PREPAID)
    # no savepoint: an error while writing ends the caller's transaction
    with transaction.atomic(savepoint=False):
        places.take(reservation)
        funding.hold(reservation, payment)
    return reservation


def settle(tenant_id: UUID, *, job_id: UUID, compute_ms: int | None = None) -> UsageEvent:
    """Turn a finished job's place into use, at its quote: one usage event, its booking, its message.

    `compute_ms` is what the work took of a processor. Repeating it gives the same event. A place that had expired is
    settled all the same, beyond limits if need be: finished work is never refused. Raises `NoReservation` for a job
    that has no place to settle.
    """
    events = settle_many([Finished(tenant_id, job_id, compute_ms)])
    if job_id not in events:
        raise NoReservation(str(job_id))
    return events[job_id]


def settle_many(finished: Iterable[Finished]) -> dict[UUID, UsageEvent]:
    """`settle` for a batch, in a few statements however many the jobs and their tenants are; the events, by job.

    A job that was settled before has its event of then. A job that has no place to settle is left out, and harms none
    of the others. Jobs of several tenants need the operator's scope.
    """
    # no savepoint: an error ends the caller's transaction, which has its own part of the work in it
    with transaction.atomic(savepoint=False):
        return settlement.settle({each.job_id: each for each in finished})


def release(tenant_id: UUID, *, job_id: UUID, reason: str) -> bool:
    """Give the place of a job back that will not be billed. False where it holds none (any more)."""
    with transaction.atomic():
        held = places.locked(tenant_id, job_id, ReservationState.HELD).first()
        if held is None:
            return False
        places.give_back(held, ReservationState.RELEASED, reason)
        return True


def renew(tenant_id: UUID, *, job_id: UUID) -> bool:
    """Let a held place last another full time from now on. False where the job holds none."""
    held = Reservation.objects.for_tenant(tenant_id).filter(job_id=job_id, state=ReservationState.HELD)
    return bool(held.update(expires_at=places.expiry()))


def expire_overdue(now: datetime) -> int:
    """Give back the places whose time is over, of all tenants; how many. Safe in any number at once.

    Each in a transaction of its own: what it locks is in the order of all, and it is held for a moment only.
    """
    overdue = Reservation.objects.filter(state=ReservationState.HELD, expires_at__lte=now)
    with operator_context():
        waiting = list(overdue.order_by("expires_at").values_list("id", flat=True)[:SWEEP_BATCH])
    return sum(places.expire(reservation_id, now) for reservation_id in waiting)


def states(tenant_id: UUID) -> list[QuotaState]:
    """All limits of the tenant's plan and everything counted in this period; empty without a subscription."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return []
    period = subscriptions.period_of(subscription, clock.now())
    begin = counters.setting(subscription, period)
    known = {(counter.plugin, counter.meter.slug): counter for counter in counters.of_period(subscription, period)}
    for entitlement in _limits_on_a_meter(subscription):
        assert entitlement.meter is not None
        fresh = begin.fresh(entitlement.plugin, entitlement.limit, entitlement.hard, entitlement.meter)
        known.setdefault((entitlement.plugin, entitlement.meter.slug), fresh)
    return [_state(known[key]) for key in sorted(known)]


def subscription_of(tenant_id: UUID) -> Subscription | None:
    """The tenant's subscription with its plan version and plan, or None."""
    return subscriptions.subscription_of(tenant_id)


def entitlement(tenant_id: UUID, plugin: str) -> Entitlement | None:
    """What the tenant's plan says about a plugin, or None where it does not cover it."""
    subscription = subscriptions.subscription_of(tenant_id)
    return terms.entitlement_for(subscription.plan_version_id, plugin) if subscription else None


def _limits_on_a_meter(subscription: Subscription) -> list[Entitlement]:
    version = subscription.plan_version
    return list(Entitlement.objects.select_related("meter").filter(plan_version=version, meter__isnull=False))


def _state(counter: QuotaCounter) -> QuotaState:
    return QuotaState(
        meter=counter.meter.slug,
        limit=counter.limit,
        used=total([counter.base, counter.used]),
        reserved=counter.reserved,
        resets_at=counter.period_end,
        hard=counter.hard,
        plugin=counter.plugin,
    )


def _terms(subscription: Subscription, work: places.Work) -> Terms:
    return terms.find(subscription.plan_version, work.plugin, work.unit, subscription.currency)


def _admitted(tenant_id: UUID, work: places.Work) -> Subscription:
    """The subscription, locked, when its plan's pace lets the submit in.

    Where the plan has a pace, it is asked before the lock: those who are too many do not wait for each other.
    """
    asked = pace.is_set(tenant_id, work.plugin)
    if asked:
        pace.refuse_rush(tenant_id, work.plugin, _terms(subscriptions.required(tenant_id), work).entitlement)
    subscription = subscriptions.keep_still(tenant_id)
    if not asked:
        pace.refuse_rush(tenant_id, work.plugin, _terms(subscription, work).entitlement)
    return subscription
