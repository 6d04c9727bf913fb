"""Building blocks of drawn lesions: windows and shapes in mm around a centre. Values are float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Shape = tuple[int, int, int]
Window = tuple[slice, slice, slice]


def window_around(cell: Field, reach: float, spacing: Field, shape: Shape) -> Window:
    """The cells within `reach` mm of a cell along every axis."""
    parts = [
        slice(max(0, int(at - reach / step)), min(size, int(at + reach / step) + 2))
        for at, step, size in zip(cell, spacing, shape, strict=True)
    ]
    return parts[0], parts[1], parts[2]


def offsets(window: Window, cell: Field, spacing: Field) -> list[Field]:
    """Distances in mm from a cell along every axis, shaped to broadcast over the window."""
    axes = [
        ((np.arange(part.start, part.stop) - at) * step).astype(np.float32)
        for part, at, step in zip(window, cell, spacing, strict=True)
    ]
    return [axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]]


def blob(rng: np.random.Generator, apart: list[Field], size: float) -> Field:
    """Distance from the centre in units of the surface: a turned ellipsoid with lobes; `size` is its diameter in mm."""
    axes = np.exp(rng.normal(0, 0.15, 3))
    axes *= 0.5 * size / np.prod(axes) ** (1 / 3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    parts = [sum(turn[n, m] * apart[m] for m in range(3)) / np.float32(axes[n]) for n in range(3)]
    radius = np.sqrt(sum(part**2 for part in parts))
    swell = np.ones_like(radius)
    for _ in range(4):
        way = unit(rng.normal(size=3))
        cosine = sum(part * np.float32(w) for part, w in zip(parts, way, strict=True)) / np.maximum(radius, 1e-3)
        swell += np.float32(rng.uniform(-0.2, 0.2)) * cosine * np.abs(cosine)
    return np.asarray(radius / swell, dtype=np.float32)


def rim(radius: Field, width: float) -> Field:
    """1 inside, 0 outside, half at radius 1."""
    return np.asarray(np.clip((1 - radius) / np.float32(2 * width) + np.float32(0.5), 0, 1), dtype=np.float32)


def unit(vector: Field) -> Field:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
