"""The end of places whose work is done: those of a batch of any tenants together, each row they share written once.

Rows are locked in the order of all: places by id, counters by phase, spending rows by period, grants in burn order. So
batches that share rows wait for each other, and never each for the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing import counters, funding, places, recording
from billing.domain.money import total
from billing.models import Reservation, ReservationState, UsageEvent

Events = dict[UUID, UsageEvent]


@dataclass(frozen=True, slots=True)
class Finished:
    """A job whose work is done; `compute_ms` is what the work took of a processor."""

    tenant_id: UUID
    job_id: UUID
    compute_ms: int | None = None


def settle(finished: Mapping[UUID, Finished]) -> Events:
    """The events of these jobs, by job: new ones for places that are held or have expired, those of then for others.

    Jobs without any place are left out. Call inside a transaction; jobs of several tenants need the operator's scope.
    """
    claimed = places.claim([(each.tenant_id, each.job_id) for each in finished.values()])
    held = [each for each in claimed if each.state == ReservationState.HELD]
    late = [each for each in claimed if each.state != ReservationState.HELD]
    if late:
        counters.lock_periods(claimed)
    counters.use_many(_units(held))
    for each in late:
        places.count_late(each)
    if late:
        funding.lock(claimed)
    funding.settle(held)
    for each in late:
        funding.settle_late(each)
    places.end(claimed, ReservationState.SETTLED)
    compute_ms = {each.job_id: each.compute_ms for each in finished.values()}
    events = {event.job_id: event for event in recording.record(claimed, compute_ms)}
    return events | _settled_before([each for each in finished.values() if each.job_id not in events])


def _units(held: Iterable[Reservation]) -> dict[counters.Key, Decimal]:
    """What held places take of each counter."""
    units: defaultdict[counters.Key, list[Decimal]] = defaultdict(list)
    for each in held:
        units[each.tenant_id, each.counter_id].append(each.metered)
    return {key: total(taken) for key, taken in units.items()}


def _settled_before(others: Sequence[Finished]) -> Events:
    if not others:
        return {}
    rows = UsageEvent.objects.for_tenants(each.tenant_id for each in others)
    return {each.job_id: each for each in rows.filter(job_id__in=[each.job_id for each in others])}
