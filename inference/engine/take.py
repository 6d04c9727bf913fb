"""The first stage: claim a batch, read what its jobs are about, and prepare the samples of each."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from inference.domain.errors import InternalError
from inference.domain.study import Inputs
from inference.engine.batch import Batch, Item, about, settle_failure, tell
from inference.engine.claim import claim
from inference.engine.failpoints import failpoint
from inference.engine.lease import Keeper, Lease
from inference.engine.models import LoadedModel
from inference.intake import configured, storage
from inference.intake.headers import study_headers
from inference.intake.pixels import pixel_reader
from inference.models import Job
from tenants.context import operator_context


def take(model: LoadedModel, keeper: Keeper, worker: str) -> Batch:
    """Claim and prepare a batch; it is empty where nothing waits. Its leases are kept from now on."""
    failpoint("before_claim")
    batch = Batch(model, claim(model.bucket, model.plugin.manifest.batching.max_items, worker))
    if batch.leases:
        failpoint("after_claim")
        keeper.keep(batch.leases)
        tell(batch, "preparing", 0.1)
        with keeper.deadline(batch.leases):
            prepare(batch)
    return batch


def prepare(batch: Batch) -> None:
    """Read and prepare the input of each job. What fails with one job ends that job."""
    inputs = inputs_of(batch.leases)
    items = [item_of(batch.model, lease, inputs.get(lease.job_id)) for lease in batch.leases]
    batch.items = [item for item in items if item]


def item_of(model: LoadedModel, lease: Lease, inputs: Inputs | None) -> Item | None:
    """One job, prepared; None when that ended the job."""
    with about(lease):
        try:
            return prepared(model, lease, inputs)
        except Exception as error:
            settle_failure(lease, error)
            return None


def prepared(model: LoadedModel, lease: Lease, inputs: Inputs | None) -> Item:
    """One job with its samples. Raises `InternalError` when the study is gone, and what the plugin raises."""
    if inputs is None:
        raise InternalError("the study of the job is gone")
    reader = pixel_reader(configured.pool(), storage.blob_opener(lease.tenant_id))
    return Item(lease, inputs, model.plugin.prepare(inputs, reader))


def inputs_of(leases: Sequence[Lease]) -> dict[UUID, Inputs]:
    """What the plugin is told about each job, in three statements for all; without the jobs whose study is gone."""
    with operator_context():
        rows = Job.objects.for_tenants(lease.tenant_id for lease in leases).select_related("study")
        jobs = list(rows.filter(pk__in=[lease.job_id for lease in leases]))
        headers = study_headers([job.study for job in jobs if job.study])
    return {
        job.pk: Inputs(headers[job.study_id] if job.study_id else None, job.params, job.inline)
        for job in jobs
        if job.study_id or job.inline is not None
    }
