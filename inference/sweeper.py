"""The sweeper mends what faults leave behind. Safe in any number, safe when killed: each step is conditional."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from billing import chores, quota
from inference import outcomes, registry, wakeup
from inference.engine.lease import Lease, as_leases, held
from inference.models import IdempotencyRecord, Job, JobState, WorkerHeartbeat
from inference.plugins import registry as plugins
from inference.retention import purge
from tenants.context import operator_context, tenant_context
from tenants.ids import encode

IDEMPOTENCY_AGE = timedelta(hours=24)
HEARTBEATS_MISSED = 12
SWEEP_BATCH = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one round did, in rows."""

    freed: int
    rung: int
    expired: int
    moved: int


def sweep() -> Swept:
    """One round."""
    freed = free_expired_leases()
    expired = expire_overdue_jobs()
    moved = move_stale_buckets()
    forget_old_records()
    purge.run(timezone.now())
    chores.run(timezone.now())
    return Swept(freed, ring_for_overdue(), expired, moved)


def free_expired_leases() -> int:
    """Jobs whose worker went silent: queued again, to run alone, or failed when no attempt is left. How many."""
    with operator_context():
        silent = as_leases(Job.objects.filter(state=JobState.RUNNING, lease_until__lt=Now())[:SWEEP_BATCH])
    return sum(_free(lease) for lease in silent)


def _free(lease: Lease) -> bool:
    with operator_context():
        # asked again under lock: a worker that was only slow may have renewed its lease meanwhile
        if not list(Job.objects.filter(held([lease]), lease_until__lt=Now()).select_for_update(skip_locked=True)):
            return False
        if outcomes.try_again(lease, Now()):
            log.warning("lease ran out: queued again", job_id=encode("job", lease.job_id), attempt=lease.attempt)
        elif outcomes.give_up(lease):
            log.error("lease ran out for the last time: failed", job_id=encode("job", lease.job_id))
        return True


def ring_for_overdue() -> int:
    """Wake workers for queued jobs whose bell may have been lost."""
    with operator_context():
        waiting = Job.objects.filter(state=JobState.QUEUED, available_at__lte=Now())
        buckets = list(waiting.values_list("bucket", flat=True).distinct().order_by())
    return sum(wakeup.ring(bucket) for bucket in buckets)


def expire_overdue_jobs() -> int:
    """Jobs that no worker took for as long as their place was kept: expired, unbilled."""
    limit = timedelta(seconds=settings.ASSAY_RESERVATION_SECONDS)
    with operator_context():
        overdue = list(Job.objects.filter(state=JobState.QUEUED, available_at__lt=Now() - limit)[:SWEEP_BATCH])
    expired = sum(_expire(job) for job in overdue)
    quota.expire_overdue(timezone.now())
    return expired


def _expire(job: Job) -> bool:
    with tenant_context(job.tenant_id):
        same = Job.objects.filter(pk=job.pk, state=JobState.QUEUED, version=job.version)
        if not same.update(state=JobState.EXPIRED, finished_at=Now(), version=F("version") + 1):
            return False
        quota.release(job.tenant_id, job_id=job.pk, reason="expired")
    return True


def move_stale_buckets() -> int:
    """Queued jobs of a model that is no longer in force are run by the one that is."""
    moved = 0
    with operator_context():
        for plugin in plugins.installed().values():
            queued = Job.objects.filter(plugin=plugin.manifest.slug, state=JobState.QUEUED)
            current = registry.bucket(plugin)
            moved += queued.exclude(bucket=current).update(
                bucket=current, plugin_version=plugin.manifest.version, version=F("version") + 1
            )
    return moved


def forget_old_records() -> None:
    """Idempotency keys live a day; heartbeats of workers that are long gone are removed."""
    now = timezone.now()
    silence = timedelta(seconds=HEARTBEATS_MISSED * settings.ASSAY_POLL_SECONDS)
    with operator_context():
        IdempotencyRecord.objects.filter(created_at__lt=now - IDEMPOTENCY_AGE).delete()
        WorkerHeartbeat.objects.filter(seen_at__lt=now - silence).delete()
