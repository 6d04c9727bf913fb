"""The second stage: the samples of all jobs of a batch through the model together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from inference.domain.errors import InternalError
from inference.engine.batch import Batch, settle_failure, tell
from inference.engine.failpoints import failpoint
from inference.engine.lease import Keeper
from inference.plugins.base import AnyPlugin


def predict(batch: Batch, keeper: Keeper) -> None:
    """Give each job its outputs. When the model fails, each job is tried again, alone, and none counts as predicted."""
    if not batch.items:
        return
    tell(batch, "analysing", 0.4)
    samples = [sample for item in batch.items for sample in item.samples]
    try:
        with keeper.deadline([item.lease for item in batch.items]):
            failpoint("mid_model")
            begun = time.perf_counter_ns()
            outputs = predict_in_parts(batch.model.plugin, samples)
            taken = time.perf_counter_ns() - begun
    except Exception as error:
        for item in batch.items:
            settle_failure(item.lease, error)
        return
    batch.model.seconds = taken / 1e9
    failpoint("after_model")
    position = 0
    for item in batch.items:
        item.outputs = outputs[position : position + len(item.samples)]
        item.compute_ms = share_in_ms(taken, len(item.samples), len(samples))
        position += len(item.samples)
    batch.predicted = batch.items


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
