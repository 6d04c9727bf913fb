"""Jobs as the edge knows them: submit, estimate, cancel, retry. One function a verb, for API, portal and admin alike.

All run inside the tenant's scope, in its one transaction: job, place in the quota and answer stand or fall together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import jsonschema
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from billing import quota
from billing.domain.money import round_half_up
from billing.quota import Estimate
from inference import registry, wakeup
from inference.deidentification.holds import require_released
from inference.domain.errors import UnsupportedInput, UserError
from inference.domain.states import ACTIVE, may_move
from inference.domain.study import Inputs
from inference.intake.headers import study_header
from inference.models import Job, JobState, Priority, Study
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin, Refused
from tenants import accounts, audit
from tenants.ids import encode, uuid7
from tenants.models import Tenant

FARTHEST_PLACE = 1000


class JobAlreadyFinished(UserError):
    """The job has ended; nothing about it can be changed."""

    code = "job_already_finished"
    template = "The job has already ended."


class JobNotFinished(UserError):
    """The job is still under way."""

    code = "job_not_finished"
    template = "The job has not ended yet."


class StudyPurged(UserError):
    """The study of the job was deleted."""

    code = "purged"
    template = "The study was deleted: send it again and submit a new job."


class InvalidParams(UserError):
    """The parameters do not fit the plugin's schema."""

    code = "invalid_params"
    template = "The parameters do not fit the analysis: %(reason)s"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, checked: the plugin takes the input, and this is how much it is."""

    plugin: AnyPlugin
    inputs: Inputs
    quantity: Decimal


def submit(
    tenant: Tenant,
    *,
    plugin_slug: str,
    study: Study | None = None,
    inline: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    priority: Priority = Priority.NORMAL,
    metadata: Mapping[str, Any] | None = None,
) -> Job:
    """Queue one analysis.

    1. The plugin judges the input by its headers and measures it.
    2. Billing gives a place and a binding quote.
    3. The job is written; on commit a worker is woken.

    Raises `TenantSuspended`, `StudyHeld`, `UnknownPlugin`, `UnsupportedInput`, `InvalidParams` and the refusals of
    `billing.quota.reserve`; after each nothing is written.
    """
    accounts.require_active(tenant)
    hold(study)
    require_released(study)
    asked = check(plugin_slug, study, inline, params or {})
    job_id = uuid7()
    place = quota.reserve(
        tenant.id, job_id=job_id, plugin=plugin_slug, unit=asked.plugin.manifest.unit, quantity=asked.quantity,
        subject=subject_of(study),
    )  # fmt: skip
    # no savepoint: a place without its job ends the transaction
    with transaction.atomic(savepoint=False):
        job: Job = Job.objects.create(
            id=job_id, tenant=tenant, study=study, inline=inline, params=dict(params or {}),
            metadata=dict(metadata or {}), priority=priority, unit=place.unit, quantity=place.quantity,
            amount=round_half_up(place.amount), currency=place.currency, max_attempts=settings.ASSAY_MAX_ATTEMPTS,
            available_at=Now(), **plugin_fields(asked.plugin),
        )  # fmt: skip
        # the database's clock, not that of this machine, says from when on a worker may take it
        job.refresh_from_db(fields=["available_at"])
        transaction.on_commit(lambda: wakeup.ring(job.bucket))
    return job


def hold(study: Study | None) -> None:
    """Keep a study from being deleted until the transaction ends. Raises `StudyPurged` for one that was, just now."""
    if study is None:
        return
    kept = Study.objects.for_tenant(study.tenant_id).select_for_update(no_key=True).filter(pk=study.pk)
    if not kept.first():
        raise StudyPurged


def estimate(
    tenant: Tenant,
    *,
    plugin_slug: str,
    study: Study | None = None,
    inline: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Estimate:
    """What `submit` would quote now, and the quota it would draw on. No side effect; raises what the checks raise."""
    asked = check(plugin_slug, study, inline, params or {})
    return quota.estimate(
        tenant.id, plugin=plugin_slug, unit=asked.plugin.manifest.unit, quantity=asked.quantity,
        subject=subject_of(study),
    )  # fmt: skip


def subject_of(study: Study | None) -> str:
    """What a meter of unique subjects counts once: the study; input that was sent along is always new."""
    return str(study.pk) if study else ""


def check(
    plugin_slug: str, study: Study | None, inline: Mapping[str, Any] | None, params: Mapping[str, Any]
) -> Request:
    """Raises `UnknownPlugin`, `InvalidParams` and `UnsupportedInput`."""
    plugin = plugins.get(plugin_slug)
    check_params(plugin, params)
    inputs = Inputs(study=study_header(study) if study else None, params=params, inline=inline)
    verdict = plugin.validate(inputs)
    if isinstance(verdict, Refused):
        facts: dict[str, Any] = dict(verdict.params)
        raise UnsupportedInput(verdict.template, code=verdict.code, pointer="/study", **facts)
    return Request(plugin, inputs, plugin.quantity(inputs))


def check_params(plugin: AnyPlugin, params: Mapping[str, Any]) -> None:
    """Raises `InvalidParams` with a pointer to the first member that does not fit."""
    try:
        jsonschema.validate(dict(params), dict(plugin.manifest.params_schema))
    except jsonschema.ValidationError as error:
        pointer = "/params" + "".join(f"/{part}" for part in error.absolute_path)
        raise InvalidParams(reason=error.message, pointer=pointer) from error


def plugin_fields(plugin: AnyPlugin) -> dict[str, Any]:
    """The columns of a job that say which model will run it, and for how long."""
    manifest = plugin.manifest
    return {
        "plugin": manifest.slug,
        "plugin_version": manifest.version,
        "bucket": registry.bucket(plugin),
        "deadline_seconds": manifest.resources.deadline_seconds,
    }


def cancel(job: Job, *, actor: str) -> Job:
    """End a job that has not ended. A worker that has it in hand loses its fence and can write nothing more.

    Raises `JobAlreadyFinished`.
    """
    ended = move(job, JobState.CANCELLED, finished_at=Now(), lease_until=None, cancel_requested=True)
    if not ended:
        raise JobAlreadyFinished
    quota.release(job.tenant_id, job_id=job.id, reason="cancelled")
    audit.record("job.cancelled", tenant_id=job.tenant_id, actor=actor, subject=encode("job", job.id))
    return reread(job)


def retry(job: Job, *, actor: str) -> Job:
    """Queue an ended, unbilled job again, with a new place in the quota at the price of now.

    The attempt goes on counting: a fencing token is never used twice. Raises `JobAlreadyFinished` for a job that
    succeeded, `JobNotFinished` for one under way, `StudyPurged`, and the refusals of `submit`.
    """
    accounts.require_active(job.tenant)
    with transaction.atomic():
        # judged by the locked row: of two retries at once only one may come to take a place
        job = Job.objects.for_tenant(job.tenant_id).select_for_update(no_key=True).get(pk=job.pk)
        refuse_retry(job)
        if job.study is None and job.inline is None:
            raise StudyPurged
        require_released(job.study)
        asked = check(job.plugin, job.study, job.inline, job.params)
        place = quota.reserve(
            job.tenant_id, job_id=job.id, plugin=job.plugin, unit=asked.plugin.manifest.unit, quantity=asked.quantity,
            subject=subject_of(job.study),
        )  # fmt: skip
        fresh = {
            "unit": place.unit, "quantity": place.quantity, "amount": round_half_up(place.amount),
            "currency": place.currency, "error": None, "finished_at": None,
            "started_at": None, "cancel_requested": False, "available_at": Now(), "progress_fraction": 0,
            "progress_stage": "queued", "max_attempts": F("attempt") + settings.ASSAY_MAX_ATTEMPTS,
            **plugin_fields(asked.plugin),
        }  # fmt: skip
        if not move(job, JobState.QUEUED, **fresh):
            raise JobAlreadyFinished
        audit.record("job.retried", tenant_id=job.tenant_id, actor=actor, subject=encode("job", job.id))
        queued = reread(job)
        transaction.on_commit(lambda: wakeup.ring(queued.bucket))
    return queued


def refuse_retry(job: Job) -> None:
    """Raises unless the job ended without success."""
    if job.state in ACTIVE:
        raise JobNotFinished
    if job.state == JobState.SUCCEEDED:
        raise JobAlreadyFinished


def move(job: Job, target: JobState, **changes: Any) -> bool:
    """Move a job by one conditional UPDATE, from wherever the table of moves allows it; False if it stands elsewhere.

    `job` may be an old view: it tells which row, the row tells its state.
    """
    starts = [state for state in JobState if may_move(state.value, target.value)]
    same = Job.objects.for_tenant(job.tenant_id).filter(pk=job.pk, state__in=starts)
    return bool(same.update(state=target, version=F("version") + 1, **changes))


def reread(job: Job) -> Job:
    """The job as it stands in the database now."""
    fresh: Job = Job.objects.for_tenant(job.tenant_id).get(pk=job.pk)
    return fresh


def queue_position(job: Job) -> int | None:
    """How many of the tenant's own jobs for the same model come first, plus one; None when not queued.

    Other tenants are left out on purpose: their number is theirs, and the engine serves tenants in turn. Beyond a
    thousand it is not counted on: a place like that tells nothing.
    """
    if job.state != JobState.QUEUED:
        return None
    mine = Job.objects.for_tenant(job.tenant_id).filter(bucket=job.bucket, state=JobState.QUEUED)
    ahead = mine.filter(priority__gt=job.priority) | mine.filter(priority=job.priority, created_at__lt=job.created_at)
    return int(ahead.order_by()[:FARTHEST_PLACE].count()) + 1
