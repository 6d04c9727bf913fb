"""Places and quotes: what work may begin, what it will cost, and what it has cost.

All functions run in the caller's transaction and scope, so that a job and its place are written together or not at all.
Locks are taken in one order: subscription, counter, spending, credits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import clock, counters, funding, metering, pace, places, recording, subscriptions, terms
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

    1. Keep the subscription still; find its terms, and the counter of the current phase and period.
    2. Take the place: one conditional UPDATE, which locks the counter.
    3. Refuse a crowd; the places of other jobs can not change meanwhile.
    4. Quote by the position that the place has.
    5. Hold credits and money for the quote.

    Raises `PaymentRequired`, `FeatureNotInPlan`, `SubmitRate`, `QuotaExceeded`, `ConcurrencyLimit` and
    `SpendingLimitReached`; after each of them nothing is written, even when the caller's transaction goes on.
    """
    work = places.Work(job_id, plugin, unit, quantity, subject)
    with transaction.atomic():
        subscription = subscriptions.required(tenant_id)
        pace.refuse_rush(tenant_id, _terms(subscription, work).entitlement)
        subscription = _kept_still(subscription)
        period = subscriptions.roll(subscription, clock.now())
        found = _terms(subscription, work)
        counter = counters.open_for(subscription, found, period)
        reservation = places.take(counter, found, work)
        funding.hold(reservation, prepaid=subscription.plan_version.funding == Funding.PREPAID)
        return reservation


def settle(tenant_id: UUID, *, job_id: UUID, compute_ms: int | None = None) -> UsageEvent:
    """Turn a finished job's place into use, at its quote: one usage event, its booking, its message.

    `compute_ms` is what the work took of a processor. Repeating it gives the same event. A place that had expired is
    settled all the same, beyond limits if need be: finished work is never refused. Raises `NoReservation` for a job
    that has no place to settle.
    """
    with transaction.atomic():
        reservation = places.claim(tenant_id, job_id)
        if reservation is None:
            return _settled_before(tenant_id, job_id)
        if reservation.state == ReservationState.HELD:
            counters.use(reservation.counter, reservation.metered)
            funding.settle(reservation)
        else:
            places.settle_late(reservation)
        places.end(reservation, ReservationState.SETTLED)
        return recording.record(reservation, compute_ms)


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


def _kept_still(subscription: Subscription) -> Subscription:
    """The subscription, locked: neither its plan nor its phase, its period or its other jobs' places change now.

    Read anew where another transaction has changed it meanwhile.
    """
    rows = Subscription.objects.for_tenant(subscription.tenant_id)
    locked = rows.select_for_update(no_key=True).get(pk=subscription.pk)
    columns = [field.attname for field in Subscription._meta.concrete_fields]
    if any(getattr(locked, column) != getattr(subscription, column) for column in columns):
        return subscriptions.required(subscription.tenant_id)
    return subscription


def _settled_before(tenant_id: UUID, job_id: UUID) -> UsageEvent:
    event: UsageEvent | None = UsageEvent.objects.for_tenant(tenant_id).filter(job_id=job_id).first()
    if event is None:
        raise NoReservation(str(job_id))
    return event
