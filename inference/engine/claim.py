"""Claiming: up to N queued jobs of one bucket, in turn among tenants, in one short transaction."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Now

from inference.engine.lease import Lease, as_leases, until
from inference.engine.turns import Turns, Waiting
from inference.models import Job, JobState
from tenants.context import operator_context

_turns: defaultdict[str, Turns] = defaultdict(Turns)


def claim(bucket: str, most: int, worker: str) -> list[Lease]:
    """Take up to `most` jobs of a bucket: they run, with a new attempt and a lease.

    1. The tenants that wait, in turn (see `Turns`).
    2. From each its share, by priority, then age; rows that another worker is just taking are skipped.
    3. One conditional UPDATE. A job that broke a worker before is taken alone.
    """
    with operator_context():
        chosen = choose(bucket, most)
        taken = Job.objects.filter(pk__in=[job.pk for job in chosen], state=JobState.QUEUED)
        taken.update(
            state=JobState.RUNNING, attempt=F("attempt") + 1, version=F("version") + 1, worker=worker,
            lease_until=until(), started_at=Now(), progress_stage="claimed",
        )  # fmt: skip
        rows = Job.objects.filter(pk__in=[job.pk for job in chosen], state=JobState.RUNNING, worker=worker)
        order = {job.pk: position for position, job in enumerate(chosen)}
        return as_leases(sorted(rows, key=lambda job: order[job.pk]))


def choose(bucket: str, most: int) -> list[Job]:
    """The rows to take, locked."""
    waiting = waiting_tenants(bucket)
    order = _turns[bucket].order(waiting)
    chosen: list[Job] = []
    share = math.ceil(most / len(order)) if order else 0
    for tenant_id in order:
        room = min(share, most - len(chosen))
        chosen += next_of(bucket, tenant_id, room, chosen)
    for tenant_id in order if len(chosen) < most else []:
        chosen += next_of(bucket, tenant_id, most - len(chosen), chosen)
    taken = without_company(chosen)
    weights = {each.tenant_id: each.weight for each in waiting}
    for job in taken:
        _turns[bucket].served(job.tenant_id, weights[job.tenant_id])
    return taken


def queued(bucket: str) -> QuerySet[Job]:
    """What may be taken now, by the database's clock."""
    found: QuerySet[Job] = Job.objects.filter(bucket=bucket, state=JobState.QUEUED, available_at__lte=Now())
    return found


def waiting_tenants(bucket: str) -> list[Waiting]:
    """The tenants with queued jobs."""
    rows = queued(bucket).values_list("tenant_id", "tenant__weight").annotate(Min("created_at")).order_by()
    running = dict(Job.objects.filter(state=JobState.RUNNING).values_list("tenant_id").annotate(Count("pk")).order_by())
    return [Waiting(tenant, max(weight, 1), running.get(tenant, 0), oldest) for tenant, weight, oldest in rows]


def next_of(bucket: str, tenant_id: UUID, most: int, without: Iterable[Job]) -> list[Job]:
    """A tenant's next jobs, locked against other claimers."""
    if most <= 0:
        return []
    mine = queued(bucket).filter(~Q(pk__in=[job.pk for job in without]), tenant_id=tenant_id)
    ordered = mine.order_by("-priority", "created_at", "pk").select_for_update(skip_locked=True)
    return list(ordered[:most])


def without_company(chosen: list[Job]) -> list[Job]:
    """A job that has to run alone is the whole batch when it comes first, else it waits for its turn."""
    if chosen and chosen[0].alone:
        return chosen[:1]
    return [job for job in chosen if not job.alone]
