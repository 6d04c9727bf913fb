"""The limit: the bare model in one process, no queue, no database. Prints JSON; run as a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

BATCHES = (1, 2, 4, 8, 16)
SECONDS = 4.0
SINGLES = 30


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from inference.plugins import registry
    from inference.plugins.loading import shipped_artefacts

    slug, image, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    limit_threads(threads)
    plugin = registry.get(slug)
    plugin.load(shipped_artefacts(plugin))
    sample = prepared(plugin, image)
    plugin.predict([sample])
    rates = {size: rate(plugin, sample, size) for size in BATCHES}
    json.dump({"images_per_second": rates, "single_seconds": single(plugin, sample)}, sys.stdout)


def limit_threads(threads: int) -> None:
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def prepared(plugin: Any, image: Path) -> Any:
    """One prepared sample of the benchmark's image."""
    from inference.analysis import read_study
    from inference.domain.study import Inputs

    with read_study([image]) as study:
        return plugin.prepare(Inputs(study=study.header), study.pixels)[0]


def rate(plugin: Any, sample: Any, size: int) -> float:
    """Images per second at one batch size."""
    batch, done, begun = [sample] * size, 0, time.monotonic()
    while time.monotonic() - begun < SECONDS:
        plugin.predict(batch)
        done += size
    return done / (time.monotonic() - begun)


def single(plugin: Any, sample: Any) -> float:
    """Median seconds of one inference at batch 1."""
    times = []
    for _ in range(SINGLES):
        begun = time.monotonic()
        plugin.predict([sample])
        times.append(time.monotonic() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    main()
