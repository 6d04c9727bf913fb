"""Golden inputs that come with a model, and what it said of them when it was made: the self-test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inference.plugins.base import SelfTest
from inference.plugins.segmentation.network import Array, Predict

EVERY = 8
TOLERANCE = 4e-3


def write_golden(path: Path, predict: Predict, images: Array) -> None:
    """Store a few network inputs (n, rows, columns, channels), in half precision, with the coarse first map of each."""
    stored = images.astype(np.float16)
    np.savez_compressed(path, images=stored, map=coarse(predict, stored.astype(np.float32)).astype(np.float16))


def compare_with_golden(predict: Predict, path: Path) -> SelfTest:
    """Whether the loaded model says of the golden inputs what it said when it was made."""
    with np.load(path, allow_pickle=False) as golden:
        images, expected = golden["images"].astype(np.float32), golden["map"].astype(np.float32)
    worst = float(np.abs(coarse(predict, images) - expected).max())
    return SelfTest(worst <= TOLERANCE, f"{len(images)} golden images, largest difference {worst:.5f}")


def coarse(predict: Predict, images: Array) -> Array:
    return np.stack([output.maps[::EVERY, ::EVERY, 0] for output in predict(images)])
