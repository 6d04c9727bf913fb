"""The end of an attempt: result and bill in one transaction, or an unbilled failure. All behind the fence."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import ExpressionWrapper, F
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from billing import quota
from inference.domain.errors import UserError
from inference.domain.report import Finding as FoundFinding
from inference.domain.report import Report
from inference.engine.failpoints import failpoint
from inference.engine.lease import Lease, held
from inference.models import Finding, Job, JobState, Result
from inference.plugins import registry as plugins
from tenants.context import tenant_context
from tenants.ids import encode

INTERNAL_ERROR = {
    "code": "internal_error",
    "template": "The analysis failed on our side and is not billed. Try again, or name the job %(job)s to the support.",
}


def complete(lease: Lease, report: Report, provenance: dict[str, str], compute_ms: int | None = None) -> bool:
    """Write result, findings, usage and ledger entries of a job. False, and nothing written, for a stale attempt.

    `compute_ms` is what the model took for it.
    """
    with tenant_context(lease.tenant_id):
        if not end(lease, JobState.SUCCEEDED, progress_fraction=1, progress_stage="done"):
            return False
        write_result(lease, report, provenance)
        quota.settle(lease.tenant_id, job_id=lease.job_id, compute_ms=compute_ms)
        failpoint("before_commit")
    failpoint("after_commit")
    return True


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


def write_result(lease: Lease, report: Report, provenance: dict[str, str]) -> Result:
    """The report as rows."""
    disclaimer = plugins.get(provenance["plugin"]).manifest.disclaimer
    result: Result = Result.objects.create(
        tenant_id=lease.tenant_id,
        job_id=lease.job_id,
        status=report.status,
        predictions=[asdict(prediction) for prediction in report.predictions] or None,
        notes=list(report.notes),
        measures=dict(report.measures),
        model=provenance,
        disclaimer=asdict(disclaimer),
    )
    Finding.objects.bulk_create(finding_row(result, position, found) for position, found in enumerate(report.findings))
    return result


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
