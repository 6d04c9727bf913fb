"""Smooth random fields for drawn volumes. Values are float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def smooth(rng: np.random.Generator, shape: tuple[int, int, int], knots: int) -> Field:
    """A random field with `knots` hills along every axis; spread about 1."""
    values = rng.standard_normal((knots,) * 3).astype(np.float32)
    for axis, size in enumerate(shape):
        values = np.moveaxis(np.tensordot(weights(size, knots), values, axes=(1, axis)), 0, axis)
    return np.asarray(values * np.float32(1.6), dtype=np.float32)


def weights(size: int, knots: int) -> Field:
    """Linear interpolation from `knots` values to `size` places (size, knots)."""
    places = np.linspace(0, knots - 1, size)[:, None]
    return np.asarray(np.clip(1 - np.abs(places - np.arange(knots)[None]), 0, 1), dtype=np.float32)
