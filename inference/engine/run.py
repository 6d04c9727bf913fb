"""Running: one batch through the plugin's steps. What goes wrong with one job is that job's, not the batch's."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from inference import outcomes
from inference.domain.errors import InternalError, UserError
from inference.domain.study import Inputs
from inference.engine.claim import claim
from inference.engine.failpoints import failpoint
from inference.engine.lease import Keeper, Lease, note_progress
from inference.engine.models import LoadedModel, loaded
from inference.intake import configured, storage
from inference.intake.headers import study_header
from inference.intake.pixels import pixel_reader
from inference.models import Job
from inference.outcomes import Completion
from inference.plugins.base import AnyPlugin
from tenants.context import tenant_context
from tenants.ids import encode

log = structlog.get_logger(__name__)


@dataclass
class Item:
    """One job on its way through a batch."""

    lease: Lease
    inputs: Inputs
    samples: Sequence[Any]
    outputs: Sequence[Any] = field(default_factory=list)
    compute_ms: int | None = None
    """The job's part of the time that the model took for the batch, by its part of the samples."""


def serve(bucket: str, keeper: Keeper, worker: str) -> int:
    """Claim and run one batch; how many jobs were in it. Raises `UnknownBucket` for a model that is not here."""
    model = loaded(bucket)
    failpoint("before_claim")
    leases = claim(bucket, model.plugin.manifest.batching.max_items, worker)
    if leases:
        failpoint("after_claim")
        with keeper.holding(leases):
            run_batch(model, leases, keeper)
    return len(leases)


def run_batch(model: LoadedModel, leases: Sequence[Lease], keeper: Keeper) -> None:
    """Prepare each job, predict all together, finish each tenant's jobs together."""
    note_progress(leases, "preparing", 0.1)
    items = [item for lease in leases if (item := prepare(model, lease))]
    if not items:
        return
    note_progress([item.lease for item in items], "analysing", 0.4)
    if predict(model, items):
        failpoint("after_model")
        kept = [item for item in items if not keeper.lost(item.lease)]
        for tenant_id, batch in by_tenant(filter(None, (report(model, item) for item in kept))).items():
            finish(model, tenant_id, batch)


def prepare(model: LoadedModel, lease: Lease) -> Item | None:
    """Read and prepare one job's input; None when that ended the job."""
    with structlog.contextvars.bound_contextvars(job_id=encode("job", lease.job_id)):
        try:
            inputs = inputs_of(lease)
            reader = pixel_reader(configured.pool(), storage.blob_opener(lease.tenant_id))
            return Item(lease, inputs, model.plugin.prepare(inputs, reader))
        except Exception as error:
            settle_failure(lease, error)
            return None


def inputs_of(lease: Lease) -> Inputs:
    """What the plugin is told. Raises `InternalError` when the study is gone."""
    with tenant_context(lease.tenant_id):
        job = Job.objects.for_tenant(lease.tenant_id).select_related("study").get(pk=lease.job_id)
        if job.study is None and job.inline is None:
            raise InternalError("the study of the job is gone")
        header = study_header(job.study) if job.study else None
    return Inputs(study=header, params=job.params, inline=job.inline)


def predict(model: LoadedModel, items: Sequence[Item]) -> bool:
    """The samples of all jobs through the model. False when it failed: then each job is tried again, alone."""
    samples = [sample for item in items for sample in item.samples]
    try:
        failpoint("mid_model")
        begun = time.perf_counter_ns()
        outputs = predict_in_parts(model.plugin, samples)
        taken = time.perf_counter_ns() - begun
    except Exception as error:
        for item in items:
            settle_failure(item.lease, error)
        return False
    position = 0
    for item in items:
        item.outputs = outputs[position : position + len(item.samples)]
        item.compute_ms = share_in_ms(taken, len(item.samples), len(samples))
        position += len(item.samples)
    return True


def share_in_ms(taken_ns: int, samples: int, of_all: int) -> int:
    """A job's part of the batch's time, a begun millisecond counted whole; nothing where nothing was predicted."""
    return -(-taken_ns * samples // (of_all * 1_000_000)) if of_all else 0


def predict_in_parts(plugin: AnyPlugin, samples: Sequence[Any]) -> list[Any]:
    """One output per sample. A study may have many samples: what the model sees at once stays bounded all the same.

    Raises `InternalError` for a model that loses outputs.
    """
    most, outputs = plugin.manifest.batching.max_items, []
    for start in range(0, len(samples), most):
        part = samples[start : start + most]
        given = list(plugin.predict(part))
        if len(given) != len(part):
            raise InternalError(f"the model gave {len(given)} outputs for {len(part)} samples")
        outputs += given
    return outputs


def report(model: LoadedModel, item: Item) -> Completion | None:
    """Turn one job's outputs into its report; None when that ended the job."""
    with structlog.contextvars.bound_contextvars(job_id=encode("job", item.lease.job_id)):
        try:
            found = model.plugin.postprocess(item.inputs, item.samples, item.outputs)
        except Exception as error:
            settle_failure(item.lease, error)
            return None
    return Completion(item.lease, found, item.compute_ms)


def by_tenant(completions: Iterable[Completion]) -> dict[UUID, list[Completion]]:
    """What is written in one transaction: a scope is one tenant's."""
    batches: defaultdict[UUID, list[Completion]] = defaultdict(list)
    for each in completions:
        batches[each.lease.tenant_id].append(each)
    return batches


def finish(model: LoadedModel, tenant_id: UUID, batch: Sequence[Completion]) -> None:
    """Write a tenant's reports; one after the other where they can not be written together."""
    try:
        written = outcomes.complete_many(tenant_id, batch, model.provenance)
    except Exception as error:
        if len(batch) == 1:
            settle_failure(batch[0].lease, error)
            return
        log.warning("a batch is written job by job", jobs=len(batch), reason=type(error).__name__)
        for each in batch:
            finish(model, tenant_id, [each])
        return
    for each in batch:
        told = "job succeeded" if each.lease.job_id in written else "a stale attempt wrote nothing"
        log.info(told, job_id=encode("job", each.lease.job_id), attempt=each.lease.attempt)


def settle_failure(lease: Lease, error: Exception) -> None:
    """The user's errors end the job; ours are tried again. Either way nothing is billed for it."""
    with structlog.contextvars.bound_contextvars(job_id=encode("job", lease.job_id)):
        if isinstance(error, UserError):
            log.info("job refused", code=error.code)
            outcomes.refuse(lease, error)
        else:
            log.error("job attempt failed", attempt=lease.attempt, exc_info=error)
            outcomes.fail(lease)
