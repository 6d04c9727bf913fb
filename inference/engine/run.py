"""Running a bucket: batch after batch, each taken, predicted and written.

What goes wrong with one job is that job's, not the batch's.
"""

from __future__ import annotations

import time

from inference.engine.batch import Batch
from inference.engine.lease import Keeper, note_progress
from inference.engine.models import loaded
from inference.engine.predict import predict
from inference.engine.take import take
from inference.engine.write import write

TOLD_FROM_SECONDS = 1.0
"""A model call that is over sooner is not worth a statement that tells of it."""


def serve(bucket: str, keeper: Keeper, worker: str) -> int:
    """Claim and run one batch; how many jobs were in it. Raises `UnknownBucket` for a model that is not here."""
    batch = take(loaded(bucket), keeper, worker)
    if batch.leases:
        try:
            analyse(batch, keeper)
        finally:
            write(batch, keeper)
    return len(batch.leases)


def analyse(batch: Batch, keeper: Keeper) -> None:
    """The model's part, told of where the last one took long."""
    if not batch.items:
        return
    if batch.model.seconds > TOLD_FROM_SECONDS:
        note_progress([item.lease for item in batch.items], "analysing", 0.4)
    begun = time.monotonic()
    predict(batch, keeper)
    batch.model.seconds = time.monotonic() - begun
