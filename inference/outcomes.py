"""The end of an attempt: result and bill in one transaction, or an unbilled failure. All behind the fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import ExpressionWrapper, F
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from billing import quota
from billing.errors import NoReservation
from billing.quota import Finished
from inference.domain.errors import UserError
from inference.domain.report import Finding as FoundFinding
from inference.domain.report import Report
from inference.engine.failpoints import failpoint
from inference.engine.lease import Lease, held
from inference.models import Finding, Job, JobState, Result
from inference.plugins import registry as plugins
from tenants.context import operator_context, tenant_context
from tenants.ids import encode

INTERNAL_ERROR = {
    "code": "internal_error",
    "template": "The analysis failed on our side and is not billed. Try again, or name the job %(job)s to the support.",
}


@dataclass(frozen=True, slots=True)
class Completion:
    """What an attempt has found; `compute_ms` is what the model took for it."""

    lease: Lease
    report: Report
    compute_ms: int | None = None


def complete(lease: Lease, report: Report, provenance: dict[str, str], compute_ms: int | None = None) -> bool:
    """Write result, findings, usage and ledger entries of a job. False, and nothing written, for a stale attempt.

    `compute_ms` is what the model took for it. Raises `NoReservation` for a job that nobody can be billed for.
    """
    return bool(complete_many([Completion(lease, report, compute_ms)], provenance))


def complete_many(batch: Sequence[Completion], provenance: dict[str, str]) -> set[UUID]:
    """`complete` for a batch, in one transaction and a few statements whatever its tenants; which jobs were written.

    Each job stands behind its own fence: stale attempts are left out. What `complete` raises for one is raised for the
    batch, and then nothing was written.
    """
    with operator_context():
        ended = end_many([each.lease for each in batch])
        written = [each for each in batch if each.lease.job_id in ended]
        if not written:
            return set()
        write_results(written, provenance)
        settle(written)
        failpoint("before_commit")
    failpoint("after_commit")
    return ended


def settle(written: Iterable[Completion]) -> None:
    """Bill the jobs. Raises `NoReservation` where one of them can not be billed: then none of it may stand."""
    finished = [Finished(each.lease.tenant_id, each.lease.job_id, each.compute_ms) for each in written]
    billed = quota.settle_many(finished)
    for each in finished:
        if each.job_id not in billed:
            raise NoReservation(str(each.job_id))


def refuse(lease: Lease, error: UserError) -> bool:
    """End a job whose input can not be analysed: failed with the user's error, its place given back."""
    told = {"code": error.code, "template": error.template, "params": {k: str(v) for k, v in error.params.items()}}
    return _end_unbilled(lease, told)


def fail(lease: Lease) -> bool:
    """An attempt failed on our side: try again alone after a pause, or end the job when no attempt is left."""
    if try_again(lease, ExpressionWrapper(Now() + retry_delay(), output_field=DateTimeField())):
        return True
    return give_up(lease)


def try_again(lease: Lease, available_at: Any) -> bool:
    """Queue the job again while it has attempts left; False when it has none, or is no longer ours."""
    with tenant_context(lease.tenant_id):
        left = Job.objects.filter(held([lease])).filter(attempt__lt=F("max_attempts"))
        again = bool(
            left.update(
                state=JobState.QUEUED, lease_until=None, alone=True, available_at=available_at,
                version=F("version") + 1, progress_stage="queued", progress_fraction=0,
            )
        )  # fmt: skip
        if again:
            # the job waits anew, and so must its place
            quota.renew(lease.tenant_id, job_id=lease.job_id)
        return again


def give_up(lease: Lease) -> bool:
    """End a job that failed on our side for good."""
    return _end_unbilled(lease, {**INTERNAL_ERROR, "params": {"job": encode("job", lease.job_id)}})


def retry_delay() -> timedelta:
    return timedelta(seconds=settings.ASSAY_RETRY_DELAY_SECONDS)


def end(lease: Lease, state: JobState, **changes: Any) -> bool:
    """The one conditional UPDATE that ends a running job."""
    ours = Job.objects.filter(held([lease]))
    return bool(ours.update(state=state, finished_at=Now(), lease_until=None, version=F("version") + 1, **changes))


def end_many(leases: Sequence[Lease]) -> set[UUID]:
    """`end` as succeeded, for those of the jobs that are still ours; which they are.

    Their rows are locked in one order first: the keeper of this process, and whoever has taken some of them over, come
    to several of them too.
    """
    ours = set(
        Job.objects.filter(held(leases)).order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    )
    Job.objects.filter(pk__in=ours).update(
        state=JobState.SUCCEEDED, finished_at=Now(), lease_until=None, version=F("version") + 1,
        progress_fraction=1, progress_stage="done",
    )  # fmt: skip
    return ours


def write_results(written: Iterable[Completion], provenance: dict[str, str]) -> None:
    """The reports as rows."""
    disclaimer = asdict(plugins.get(provenance["plugin"]).manifest.disclaimer)
    reports = [(each.report, result_row(each, provenance, disclaimer)) for each in written]
    Result.objects.bulk_create([result for _, result in reports])
    Finding.objects.bulk_create(
        finding_row(result, position, found)
        for report, result in reports
        for position, found in enumerate(report.findings)
    )


def result_row(completion: Completion, provenance: dict[str, str], disclaimer: dict[str, str]) -> Result:
    report = completion.report
    return Result(
        tenant_id=completion.lease.tenant_id,
        job_id=completion.lease.job_id,
        status=report.status,
        predictions=[asdict(prediction) for prediction in report.predictions] or None,
        notes=list(report.notes),
        measures=dict(report.measures),
        model=provenance,
        disclaimer=disclaimer,
    )


def finding_row(result: Result, position: int, found: FoundFinding) -> Finding:
    return Finding(
        tenant_id=result.tenant_id, result=result, position=position, tracking_uid=found.tracking_uid,
        slug=found.type.slug, score=found.score, body=asdict(found),
    )  # fmt: skip


def _end_unbilled(lease: Lease, error: dict[str, Any]) -> bool:
    with tenant_context(lease.tenant_id):
        if not end(lease, JobState.FAILED, error=error, progress_stage="failed"):
            return False
        quota.release(lease.tenant_id, job_id=lease.job_id, reason=error["code"])
    return True
