"""The end of places whose work is done: those of one tenant together, each row that they share written once.

Rows are locked in the order of all: places by id, counters by phase, spending rows by period, grants in burn order. So
batches that share rows wait for each other, and never each for the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from billing import counters, funding, places, recording
from billing.domain.money import total
from billing.models import QuotaCounter, Reservation, ReservationState, UsageEvent

Events = dict[UUID, UsageEvent]


def settle(tenant_id: UUID, compute_ms: Mapping[UUID, int | None]) -> Events:
    """The events of these jobs, by job: new ones for places that are held or have expired, those of then for others.

    Jobs without any place are left out. Call inside a transaction.
    """
    claimed = places.claim(tenant_id, compute_ms)
    held = [each for each in claimed if each.state == ReservationState.HELD]
    late = [each for each in claimed if each.state != ReservationState.HELD]
    if late:
        counters.lock_periods(claimed)
    _use(held)
    for each in late:
        places.count_late(each)
    if late:
        funding.lock(claimed)
    funding.settle(held)
    for each in late:
        funding.settle_late(each)
    places.end(claimed, ReservationState.SETTLED)
    events = {event.job_id: event for event in recording.record(claimed, compute_ms)}
    return events | _settled_before(tenant_id, compute_ms.keys() - events.keys())


def _use(held: Iterable[Reservation]) -> None:
    """Turn held places into use, by one UPDATE for each counter."""
    counted: dict[UUID, QuotaCounter] = {}
    units: defaultdict[UUID, list[Reservation]] = defaultdict(list)
    for each in held:
        counted[each.counter_id] = each.counter
        units[each.counter_id].append(each)
    for counter in sorted(counted.values(), key=counters.lock_order):
        counters.use(counter, total(each.metered for each in units[counter.id]))


def _settled_before(tenant_id: UUID, job_ids: Iterable[UUID]) -> Events:
    wanted = list(job_ids)
    if not wanted:
        return {}
    return {each.job_id: each for each in UsageEvent.objects.for_tenant(tenant_id).filter(job_id__in=wanted)}
