"""Images as customers send them, drawn from the golden digits that the plugin ships."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.plugins.digits import plugin
from inference.plugins.digits.manifest import GOLDEN_FILE
from inference.plugins.loading import shipped_artefacts

Image = NDArray[np.float32]


def golden(digit: int) -> Image:
    """A well recognised digit as in MNIST: bright on black, (28, 28), 0 to 255."""
    with np.load(shipped_artefacts(plugin) / GOLDEN_FILE, allow_pickle=False) as arrays:
        return np.asarray(arrays["images"][digit], dtype=np.float32)


def on_paper(digit: int, enlarged: int = 6) -> Image:
    """Dark ink on bright paper, larger and off the centre."""
    large = np.kron(golden(digit), np.ones((enlarged, enlarged), dtype=np.float32))
    return np.asarray(np.pad(230 - large * 0.75, ((10, 90), (60, 20)), constant_values=230), dtype=np.float32)


def in_blue_ink(digit: int) -> Image:
    """Blue on a yellow note, (rows, columns, 3)."""
    strokes = on_paper(digit)[..., np.newaxis] / 230
    paper, ink = np.array([250, 240, 120]), np.array([20, 30, 200])
    return np.asarray(ink + (paper - ink) * strokes, dtype=np.float32)


def noise() -> Image:
    """Every pixel drawn at random."""
    return np.random.default_rng(1).integers(0, 256, (60, 60)).astype(np.float32)


def landscape() -> Image:
    """A photograph's usual course of light: bright sky, dark ground, a slope between."""
    rows, columns = np.mgrid[0:120, 0:160].astype(np.float32)
    return np.asarray(np.clip(220 - rows * 1.5 + 20 * np.sin(columns / 9), 0, 255), dtype=np.float32)
