"""Places: taking one with its quote, finding it again, and the ways in which it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from billing import alerts, clock, counters, funding, metering, refusals
from billing.domain import quoting
from billing.domain.money import ZERO, total
from billing.models import AlertKind, Entitlement, QuotaCounter, Reservation, ReservationState
from billing.terms import Terms
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

WITH_COUNTER = ("counter__meter", "counter__phase")


@dataclass(frozen=True, slots=True)
class Work:
    """What a place is asked for: `quantity` is in the plugin's `unit`, `subject` is for meters of unique subjects."""

    job_id: UUID
    plugin: str
    unit: str
    quantity: Decimal
    subject: str


def offer(counter: QuotaCounter, found: Terms, work: Work) -> Reservation:
    """The place, with its quote, that a locked counter has for the work; not taken yet, nothing is written.

    Raises `QuotaExceeded` and `ConcurrencyLimit`.
    """
    metered = metering.measure(counter, found, work.quantity, work.subject)
    if not counters.has_room(counter, metered):
        raise refusals.quota_exceeded(counter)
    _refuse_crowd(counter, found.entitlement)
    return Reservation(
        tenant_id=counter.tenant_id, job_id=work.job_id, counter=counter, price=found.price, plugin=work.plugin,
        unit=work.unit, quantity=work.quantity, metered=metered, subject=work.subject, credited=ZERO,
        amount=quote(counter, found, counter.reserved, metered), currency=found.price.currency, expires_at=expiry(),
    )  # fmt: skip


def take(reservation: Reservation) -> None:
    """Write the place. Raises `QuotaExceeded` where the room that there was has gone."""
    counter = reservation.counter
    if not counters.hold(counter, reservation.metered):
        raise refusals.quota_exceeded(counter)
    reservation.save(force_insert=True)
    metering.note_subject(reservation)
    _warn(counter, reservation.metered)


def quote(counter: QuotaCounter, found: Terms, reserved: Decimal, metered: Decimal) -> Decimal:
    """The binding price of `metered` units behind the counter's own and `reserved` others, exact minor units."""
    used = total([counter.base, counter.used])
    return quoting.quote(found.rule, used, reserved, metered, counter.included)


def locked(tenant_id: UUID, job_id: UUID, *states: ReservationState) -> TenantQuerySet[Reservation]:
    """The job's places in these states, locked."""
    rows: TenantQuerySet[Reservation] = Reservation.objects.for_tenant(tenant_id).filter(
        job_id=job_id, state__in=states
    )
    return rows.select_related("counter__meter").select_for_update(of=("self",), no_key=True)


def claim(jobs: Sequence[tuple[UUID, UUID]]) -> list[Reservation]:
    """Lock the places of jobs, given by tenant and id: of each the held one, else the one that expired last; by id, as
    everybody locks them.

    Whoever comes second waits for the first and finds the place settled, be there an expired one of an earlier try or
    not: jobs one of whose places was settled are left out.
    """
    ending = [ReservationState.HELD, ReservationState.EXPIRED, ReservationState.SETTLED]
    own = Reservation.objects.for_tenants(tenant_id for tenant_id, _ in jobs)
    rows = own.filter(job_id__in=[job_id for _, job_id in jobs], state__in=ending).order_by("id")
    of_job: defaultdict[UUID, list[Reservation]] = defaultdict(list)
    for each in rows.select_related(*WITH_COUNTER).select_for_update(of=("self",), no_key=True):
        of_job[each.job_id].append(each)
    return [found for every in of_job.values() if (found := _to_settle(every))]


def count_late(reservation: Reservation) -> None:
    """The place had been given back: what it takes of its counter now was perhaps given to others."""
    # before the subject: who submits has the counter when it comes to the subject
    counters.lock(reservation.counter)
    _charge_no_more(reservation, metering.measure_again(reservation))
    counters.use_without_place(reservation.counter, reservation.metered)
    _warn(reservation.counter, reservation.metered)


def _charge_no_more(reservation: Reservation, metered: Decimal) -> None:
    """Where others have taken part of it meanwhile, the price falls with the units; the quote stays the most."""
    if metered == reservation.metered:
        return
    counter = reservation.counter
    used, rule = total([counter.base, counter.used]), reservation.price.rule
    again = quoting.quote(rule, used, counter.reserved, metered, counter.included)
    reservation.metered, reservation.amount = metered, min(reservation.amount, again)


def give_back(held: Reservation, state: ReservationState, reason: str) -> None:
    """Of a locked reservation: its units, its subject, its money and credits."""
    counters.free(held.counter, held.metered)
    metering.forget_subject(held)
    funding.release(held)
    end([held], state, reason)


def expire(reservation_id: UUID, now: datetime) -> bool:
    """Give one overdue place back, in a transaction of its own; False where somebody else has it in hand."""
    with operator_context():
        overdue = Reservation.objects.select_related("counter__meter").filter(
            pk=reservation_id, state=ReservationState.HELD, expires_at__lte=now
        )
        held = overdue.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
        if held is not None:
            give_back(held, ReservationState.EXPIRED, "time over")
        return held is not None


def end(ended: Sequence[Reservation], state: ReservationState, reason: str = "") -> None:
    """Write how places ended."""
    if not ended:
        return
    now = clock.now()
    for each in ended:
        each.state, each.ended_at, each.reason = state, now, reason
    rows = Reservation.objects.for_tenants(each.tenant_id for each in ended).filter(pk__in=[each.pk for each in ended])
    rows.update(state=state, ended_at=now, reason=reason)


def expiry() -> datetime:
    """Until when a place that is taken or renewed now is kept."""
    return clock.now() + timedelta(seconds=settings.ASSAY_RESERVATION_SECONDS)


def _to_settle(places: Sequence[Reservation]) -> Reservation | None:
    """Which of a job's places; None where one of them was settled."""
    if any(each.state == ReservationState.SETTLED for each in places):
        return None
    return max(places, key=lambda each: (each.state == ReservationState.HELD, each.created_at))


def _warn(counter: QuotaCounter, added: Decimal) -> None:
    """Raise the alerts that `added` has reached; the first place of a counter answers for what was there before."""
    if counter.limit is None or not added:
        return
    after = counters.taken(counter)
    before = total([after, -added])
    alerts.check(
        counter.tenant_id,
        alerts.Level(
            AlertKind.QUOTA, f"{counter.meter.slug}:{counter.plugin}"[:100], counter.period_start,
            ZERO if before == counter.base else before, after, counter.limit,
        ),
    )  # fmt: skip


def _refuse_crowd(counter: QuotaCounter, entitlement: Entitlement) -> None:
    if entitlement.max_in_flight is None:
        return
    held = Reservation.objects.for_tenant(counter.tenant_id).filter(
        state=ReservationState.HELD, counter__plugin=counter.plugin
    )
    if held.count() >= entitlement.max_in_flight:
        raise refusals.too_many_unfinished(entitlement)
