"""The last stage: outputs become reports, and reports are written and billed together."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from inference import outcomes
from inference.engine.batch import Batch, Item, about, settle_failure
from inference.engine.lease import Keeper
from inference.engine.models import LoadedModel
from inference.outcomes import Completion
from tenants.ids import encode

log = structlog.get_logger(__name__)


def write(batch: Batch, keeper: Keeper) -> None:
    """Write what the batch has found, and let its leases go."""
    try:
        with keeper.deadline([item.lease for item in batch.predicted]):
            found = [report(batch.model, item) for item in batch.predicted if not keeper.lost(item.lease)]
            finish(batch.model, [completion for completion in found if completion])
    finally:
        keeper.drop(batch.leases)


def report(model: LoadedModel, item: Item) -> Completion | None:
    """Turn one job's outputs into its report; None when that ended the job."""
    with about(item.lease):
        try:
            found = model.plugin.postprocess(item.inputs, item.samples, item.outputs)
        except Exception as error:
            settle_failure(item.lease, error)
            return None
    return Completion(item.lease, found, item.compute_ms)


def finish(model: LoadedModel, completions: Sequence[Completion]) -> None:
    """Write reports together; one after the other where that can not be."""
    if not completions:
        return
    try:
        written = outcomes.complete_many(completions, model.provenance)
    except Exception as error:
        if len(completions) == 1:
            settle_failure(completions[0].lease, error)
            return
        log.warning("a batch is written job by job", jobs=len(completions), reason=type(error).__name__)
        for each in completions:
            finish(model, [each])
        return
    for each in completions:
        told = "job succeeded" if each.lease.job_id in written else "a stale attempt wrote nothing"
        log.info(told, job_id=encode("job", each.lease.job_id), attempt=each.lease.attempt)
