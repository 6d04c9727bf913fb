"""Leases: which jobs this process has in hand, kept alive by a thread; what outlives its deadline ends the process."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from inference.models import Job, JobState
from tenants.context import operator_context

STUCK_EXIT_STATUS = 70

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """One job in hand. Only while the row still has this `attempt` may anything be written for it."""

    job_id: UUID
    tenant_id: UUID
    attempt: int
    deadline_seconds: int


def until() -> ExpressionWrapper[Any]:
    """When a lease taken now runs out, by the database's clock: a worker's clock may be wrong."""
    lease = timedelta(seconds=settings.ASSAY_LEASE_SECONDS)
    return ExpressionWrapper(Now() + lease, output_field=DateTimeField())


def held(leases: Iterable[Lease]) -> Q:
    """The rows that are still ours: the fence of every write that a worker makes."""
    of_attempt: defaultdict[int, list[UUID]] = defaultdict(list)
    for lease in leases:
        of_attempt[lease.attempt].append(lease.job_id)
    fence = Q(pk__in=[])
    for attempt, job_ids in of_attempt.items():
        fence |= Q(pk__in=job_ids, attempt=attempt)
    return fence & Q(state=JobState.RUNNING)


def renew(leases: Iterable[Lease]) -> set[UUID]:
    """Extend the leases that are still ours; the ids of those that are."""
    with operator_context():
        # in one order: a batch that is just being completed has several of them locked
        ours = Job.objects.filter(held(leases)).order_by("pk").select_for_update(no_key=True)
        kept = set(ours.values_list("pk", flat=True))
        Job.objects.filter(pk__in=kept).update(lease_until=until())
        return kept


def note_progress(leases: Iterable[Lease], stage: str, fraction: float) -> None:
    """Show where a batch stands; behind the fence."""
    with operator_context():
        Job.objects.filter(held(leases)).update(
            progress_stage=stage, progress_fraction=fraction, version=F("version") + 1
        )


class Keeper:
    """Renews the leases in hand from a thread, and ends the process when a batch outlives its deadline.

    A model call can not be interrupted from within. The sweeper then frees the jobs, and each runs alone. `sign` tells
    in each round that the process lives.
    """

    def __init__(self, sign: Callable[[], None] = lambda: None) -> None:
        self._sign = sign
        self._lock = threading.Lock()
        self._leases: dict[UUID, Lease] = {}
        self._lost: set[UUID] = set()
        self._ends: dict[int, float] = {}
        self._stages = count()
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="lease-keeper", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def keep(self, leases: Iterable[Lease]) -> None:
        """Keep these leases alive, beside those of other batches, until they are dropped."""
        with self._lock:
            self._leases |= {lease.job_id: lease for lease in leases}

    def drop(self, leases: Iterable[Lease]) -> None:
        """Let these leases go."""
        with self._lock:
            for lease in leases:
                self._leases.pop(lease.job_id, None)
                self._lost.discard(lease.job_id)

    def let_go(self) -> None:
        """Drop all: the sweeper frees what has not ended when its lease has run out."""
        with self._lock:
            self._leases, self._lost = {}, set()

    @contextmanager
    def deadline(self, leases: Sequence[Lease]) -> Iterator[None]:
        """The block may take as long as its jobs may together; then this process ends. Without jobs it is no matter."""
        stage, seconds = next(self._stages), sum(lease.deadline_seconds for lease in leases)
        with self._lock:
            self._ends[stage] = time.monotonic() + seconds if leases else math.inf
        try:
            yield
        finally:
            with self._lock:
                del self._ends[stage]

    def lost(self, lease: Lease) -> bool:
        """Whether the job was cancelled or given to another worker: then the work on it can stop."""
        with self._lock:
            return lease.job_id in self._lost

    def beat(self) -> None:
        """One round: renew, learn what was lost, look at the deadlines."""
        with self._lock:
            leases, ends_at = list(self._leases.values()), min(self._ends.values(), default=math.inf)
        if time.monotonic() > ends_at:
            log.error("a batch outlived its deadline: this process ends", jobs=len(leases))
            os._exit(STUCK_EXIT_STATUS)
        if leases:
            kept = renew(leases)
            with self._lock:
                # what was dropped meanwhile has ended here
                ours = {lease.job_id for lease in leases if self._leases.get(lease.job_id) is lease}
                self._lost |= ours - kept
        self._sign()

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except Exception as error:
                # the database may be restarting, and a lease outlives several beats: so must this thread
                log.warning("a heartbeat failed", reason=type(error).__name__)
                connection.close()
            if self._stop.wait(settings.ASSAY_HEARTBEAT_SECONDS):
                return


def as_leases(jobs: Iterable[Any]) -> list[Lease]:
    """The leases of freshly claimed rows."""
    return [Lease(job.pk, job.tenant_id, job.attempt, job.deadline_seconds) for job in jobs]
