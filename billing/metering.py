"""What a job adds to its meter: one, what was measured, what goes beyond the highest, or one for a new subject."""

from __future__ import annotations

from decimal import Decimal

from billing import counters
from billing.domain.money import ZERO, total
from billing.models import Aggregation, CountedSubject, QuotaCounter, Reservation
from billing.terms import ONE, Terms


def measure(counter: QuotaCounter, found: Terms, quantity: Decimal, subject: str) -> Decimal:
    """The units that `quantity` of the plugin's unit adds now. Raises `ValueError` below zero."""
    if quantity < ZERO:
        raise ValueError("a quantity can not be negative")
    match found.meter.aggregation:
        case Aggregation.COUNT:
            return ONE
        case Aggregation.MAX:
            return max(ZERO, total([quantity, -counters.taken(counter)]))
        case Aggregation.UNIQUE:
            return ZERO if subject and is_counted(counter, subject) else ONE
    return quantity


def is_counted(counter: QuotaCounter, subject: str) -> bool:
    """Whether the counter's pool has the subject in this period, be it by an earlier phase."""
    counted = CountedSubject.objects.for_tenant(counter.tenant_id).filter(
        counter__subscription=counter.subscription_id, counter__meter=counter.meter_id,
        counter__plugin=counter.plugin, counter__period_start=counter.period_start, subject=subject,
    )  # fmt: skip
    return bool(counted.exists())


def note_subject(reservation: Reservation) -> None:
    """Remember the subject that a place has counted. Raises `IntegrityError` where another place has just done so."""
    if _counts_subject(reservation):
        CountedSubject.objects.create(
            tenant_id=reservation.tenant_id, counter=reservation.counter, subject=reservation.subject,
            reservation=reservation,
        )  # fmt: skip


def forget_subject(reservation: Reservation) -> None:
    """The subject of a place that is given back counts anew for the next one."""
    if _counts_subject(reservation):
        CountedSubject.objects.for_tenant(reservation.tenant_id).filter(reservation=reservation).delete()


def measure_again(reservation: Reservation) -> Decimal:
    """What finished work adds whose place had been given back: never more than the place had.

    Nothing where another place has counted its subject meanwhile, less where another one has raised the level. The
    counter must be locked.
    """
    counter = reservation.counter
    if counter.meter.aggregation == Aggregation.MAX:
        beyond: Decimal = max(ZERO, total([reservation.quantity, -counters.taken(counter)]))
        return beyond if beyond < reservation.metered else Decimal(reservation.metered)
    return Decimal(reservation.metered) if _count_again(reservation) else ZERO


def _count_again(reservation: Reservation) -> bool:
    """Whether the subject is (again) this place's own."""
    if not _counts_subject(reservation):
        return True
    if is_counted(reservation.counter, reservation.subject):
        return False
    again = CountedSubject(
        tenant_id=reservation.tenant_id, counter=reservation.counter, subject=reservation.subject,
        reservation=reservation,
    )  # fmt: skip
    CountedSubject.objects.bulk_create([again], ignore_conflicts=True)
    return bool(CountedSubject.objects.for_tenant(reservation.tenant_id).filter(pk=again.pk).exists())


def _counts_subject(reservation: Reservation) -> bool:
    """Only places on a meter of unique subjects keep one, and only those that were the first."""
    unique = reservation.counter.meter.aggregation == Aggregation.UNIQUE
    return bool(unique and reservation.subject and reservation.metered)
