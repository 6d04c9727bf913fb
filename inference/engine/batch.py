"""A batch on its way through the worker: jobs of any tenants that one model call serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from inference import outcomes
from inference.domain.errors import UserError
from inference.domain.study import Inputs
from inference.engine.lease import Lease, note_progress
from inference.engine.models import LoadedModel
from tenants.ids import encode

TOLD_FROM_SECONDS = 1.0
"""Where the last model call was over sooner, a statement that tells of the next is not worth its time."""

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


@dataclass
class Batch:
    """The jobs that were claimed together: `items` are ready for the model, `predicted` have come through it."""

    model: LoadedModel
    leases: Sequence[Lease]
    items: Sequence[Item] = ()
    predicted: Sequence[Item] = ()

    @property
    def full(self) -> bool:
        """Whether more jobs may have been waiting."""
        return len(self.leases) >= self.model.plugin.manifest.batching.max_items


def tell(batch: Batch, stage: str, fraction: float) -> None:
    """Show where a batch stands, if it takes long enough for somebody to look."""
    if batch.model.seconds > TOLD_FROM_SECONDS:
        note_progress(batch.leases, stage, fraction)


@contextmanager
def about(lease: Lease) -> Iterator[None]:
    """Lines of the log name the job."""
    with structlog.contextvars.bound_contextvars(job_id=encode("job", lease.job_id)):
        yield


def settle_failure(lease: Lease, error: Exception) -> None:
    """The user's errors end the job; ours are tried again. Either way nothing is billed for it."""
    with about(lease):
        if isinstance(error, UserError):
            log.info("job refused", code=error.code)
            outcomes.refuse(lease, error)
        else:
            log.error("job attempt failed", attempt=lease.attempt, exc_info=error)
            outcomes.fail(lease)
