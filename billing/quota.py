"""Places and quotes: what work may begin, what it will cost, and what it has cost.

All functions run in the caller's transaction and scope, so that a job and its place are written together or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing import clock, counters, ledger, outbox, pace, subscriptions, terms
from billing.domain.money import round_half_up
from billing.domain.rating import marginal
from billing.errors import ConcurrencyLimit, NoReservation, QuotaExceeded
from billing.models import (
    Account,
    Entitlement,
    QuotaCounter,
    Reservation,
    ReservationState,
    Subscription,
    UsageEvent,
)
from billing.terms import Terms
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

UPGRADE_PATH = "/plans"
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


def estimate(tenant_id: UUID, *, plugin: str, unit: str, quantity: Decimal) -> Estimate:
    """What `reserve` would quote now; writes nothing and refuses nothing for want of quota.

    Raises `PaymentRequired` without a subscription and `FeatureNotInPlan`.
    """
    subscription = subscriptions.required(tenant_id)
    found = terms.find(subscription.plan_version, plugin, unit, subscription.currency)
    period = subscriptions.period_of(subscription, clock.now())
    counter = counters.look(subscription, found, period)
    exact = marginal(found.rule, counter.used + counter.reserved, found.metered(quantity))
    currency = subscription.currency
    quote = Quote(unit, quantity, round_half_up(exact), exact, currency, found.meter.slug)
    return Estimate(quote, [_state(counter)])


def reserve(tenant_id: UUID, *, job_id: UUID, plugin: str, unit: str, quantity: Decimal) -> Reservation:
    """Take a place for a job and fix its price.

    1. Find the terms and the counter of the current period.
    2. Take the place: one conditional UPDATE, which locks the counter.
    3. Refuse a crowd; the places of other jobs can not change meanwhile.
    4. Quote by the position that the place has.

    Raises `PaymentRequired`, `FeatureNotInPlan`, `SubmitRate`, `QuotaExceeded` and `ConcurrencyLimit`; after each of
    them nothing is written, even when the caller's transaction goes on.
    """
    with transaction.atomic():
        subscription = subscriptions.required(tenant_id)
        found = terms.find(subscription.plan_version, plugin, unit, subscription.currency)
        pace.refuse_rush(tenant_id, found.entitlement)
        if found.entitlement.max_in_flight is not None:
            # jobs on other meters count too, and hold other counters
            Subscription.objects.for_tenant(tenant_id).select_for_update(no_key=True).get(pk=subscription.pk)
        period = subscriptions.roll(subscription, clock.now())
        counter = counters.open_for(subscription, found, period)
        metered = found.metered(quantity)
        position = counters.hold(counter, metered)
        if position is None:
            raise _quota_exceeded(counter, found)
        _refuse_crowd(counter, found.entitlement)
        return _write_reservation(counter, found, job_id, plugin, unit, quantity, position)


def settle(tenant_id: UUID, *, job_id: UUID) -> UsageEvent:
    """Turn a finished job's place into use, at its quote: one usage event, its booking, its message.

    Repeating it gives the same event. A place that had expired is settled all the same, beyond the limit if need be:
    finished work is never refused. Raises `NoReservation` for a job that has no place to settle.
    """
    with transaction.atomic():
        reservation = _claim(tenant_id, job_id)
        if reservation is None:
            return _settled_before(tenant_id, job_id)
        if reservation.state == ReservationState.HELD:
            counters.use(reservation.counter, reservation.metered)
        else:
            counters.use_without_place(reservation.counter, reservation.metered)
        _end(reservation, ReservationState.SETTLED)
        event = _write_event(reservation)
        _book(event)
        return event


def release(tenant_id: UUID, *, job_id: UUID, reason: str) -> bool:
    """Give the place of a job back that will not be billed. False where it holds none (any more)."""
    with transaction.atomic():
        held = _locked(tenant_id, job_id, ReservationState.HELD).first()
        if held is None:
            return False
        counters.free(held.counter, held.metered)
        _end(held, ReservationState.RELEASED, reason)
        return True


def renew(tenant_id: UUID, *, job_id: UUID) -> bool:
    """Let a held place last another full time from now on. False where the job holds none."""
    held = Reservation.objects.for_tenant(tenant_id).filter(job_id=job_id, state=ReservationState.HELD)
    return bool(held.update(expires_at=_expiry()))


def expire_overdue(now: datetime) -> int:
    """Give back the places whose time is over, of all tenants; how many. Safe in any number at once."""
    with operator_context():
        overdue = list(
            Reservation.objects.select_related("counter")
            .filter(state=ReservationState.HELD, expires_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("expires_at")[:SWEEP_BATCH]
        )
        # counters are locked in one order by every sweeper, so that two of them never wait for each other
        for reservation in sorted(overdue, key=lambda each: each.counter_id):
            counters.free(reservation.counter, reservation.metered)
            _end(reservation, ReservationState.EXPIRED, "time over")
        return len(overdue)


def states(tenant_id: UUID) -> list[QuotaState]:
    """All limits of the tenant's plan and everything counted in this period; empty without a subscription."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return []
    period = subscriptions.period_of(subscription, clock.now())
    known = {(counter.plugin, counter.meter.slug): counter for counter in counters.of_period(subscription, period)}
    for entitlement in _limits_on_a_meter(subscription):
        assert entitlement.meter is not None
        fresh = counters.describe(subscription, entitlement, entitlement.meter, period)
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
        used=counter.used,
        reserved=counter.reserved,
        resets_at=counter.period_end,
        hard=counter.hard,
        plugin=counter.plugin,
    )


def _quota_exceeded(counter: QuotaCounter, found: Terms) -> QuotaExceeded:
    resets_at = counter.period_end.isoformat().replace("+00:00", "Z") if counter.period_end else None
    return QuotaExceeded(
        limit=str(counter.limit),
        meter=found.meter.slug,
        extra={
            "meter": found.meter.slug,
            "limit": str(counter.limit),
            "used": str(counter.used),
            "reserved": str(counter.reserved),
            "resets_at": resets_at,
            "upgrade_url": f"{settings.ASSAY_PUBLIC_BASE_URL}{UPGRADE_PATH}",
        },
    )


def _refuse_crowd(counter: QuotaCounter, entitlement: Entitlement) -> None:
    if entitlement.max_in_flight is None:
        return
    held = Reservation.objects.for_tenant(counter.tenant_id).filter(
        state=ReservationState.HELD, counter__plugin=counter.plugin
    )
    if held.count() >= entitlement.max_in_flight:
        retry_after = ConcurrencyLimit.retry_after
        extra: dict[str, object] = {"limit": entitlement.max_in_flight, "retry_after": retry_after}
        raise ConcurrencyLimit(limit=entitlement.max_in_flight, extra=extra)


def _write_reservation(
    counter: QuotaCounter, found: Terms, job_id: UUID, plugin: str, unit: str, quantity: Decimal, position: Decimal
) -> Reservation:
    metered = found.metered(quantity)
    reservation: Reservation = Reservation.objects.create(
        tenant_id=counter.tenant_id, job_id=job_id, counter=counter, price=found.price, plugin=plugin, unit=unit,
        quantity=quantity, metered=metered, amount=marginal(found.rule, position, metered),
        currency=counter.subscription.currency, expires_at=_expiry(),
    )  # fmt: skip
    return reservation


def _expiry() -> datetime:
    return clock.now() + timedelta(seconds=settings.ASSAY_RESERVATION_SECONDS)


def _locked(tenant_id: UUID, job_id: UUID, *states: ReservationState) -> TenantQuerySet[Reservation]:
    rows: TenantQuerySet[Reservation] = Reservation.objects.for_tenant(tenant_id).filter(
        job_id=job_id, state__in=states
    )
    return rows.select_related("counter").select_for_update(of=("self",), no_key=True)


def _claim(tenant_id: UUID, job_id: UUID) -> Reservation | None:
    """Lock the job's place: the held one, else the one that expired last. Whoever comes second finds neither."""
    found = _locked(tenant_id, job_id, ReservationState.HELD, ReservationState.EXPIRED)
    return max(found, key=lambda each: (each.state == ReservationState.HELD, each.created_at), default=None)


def _settled_before(tenant_id: UUID, job_id: UUID) -> UsageEvent:
    event: UsageEvent | None = UsageEvent.objects.for_tenant(tenant_id).filter(job_id=job_id).first()
    if event is None:
        raise NoReservation(str(job_id))
    return event


def _end(reservation: Reservation, state: ReservationState, reason: str = "") -> None:
    reservation.state, reservation.ended_at, reservation.reason = state, clock.now(), reason
    reservation.save(update_fields=["state", "ended_at", "reason"])


def _write_event(reservation: Reservation) -> UsageEvent:
    event: UsageEvent = UsageEvent.objects.create(
        tenant_id=reservation.tenant_id, subscription_id=reservation.counter.subscription_id, reservation=reservation,
        counter=reservation.counter, price_id=reservation.price_id, meter_id=reservation.counter.meter_id,
        job_id=reservation.job_id, plugin=reservation.plugin, unit=reservation.unit, quantity=reservation.quantity,
        metered=reservation.metered, amount=reservation.amount, currency=reservation.currency, occurred_at=clock.now(),
    )  # fmt: skip
    return event


def _book(event: UsageEvent) -> None:
    """The customer owes the exact amount from now on, invoiced or not; the message is for whoever collects it."""
    ledger.post(
        event.tenant_id, source=("usage_event", event.id), kind="accrual", currency=event.currency,
        postings=[ledger.Posting(Account.ACCRUED, event.amount), ledger.Posting(Account.REVENUE, -event.amount)],
        occurred_at=event.occurred_at,
    )  # fmt: skip
    outbox.enqueue(
        event.tenant_id, "usage.recorded", key=f"usage:{event.id.hex}",
        payload={"usage_event": str(event.id), "job": str(event.job_id), "metered": str(event.metered)},
        serial=f"usage:{event.tenant_id}:{event.meter_id}",
    )  # fmt: skip
