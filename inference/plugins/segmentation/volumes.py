"""A stack of slices on a grid of the model's own spacing, and the network over it slice by slice (2.5-D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.domain.stack import Stack
from inference.domain.study import PixelReader
from inference.plugins.segmentation.network import Array, Predict

Volume = NDArray[np.float32]
SLICES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Grid:
    """Spacing of the model's grid in mm: inside a slice, and between slices."""

    inside: float
    between: float


@dataclass(frozen=True, slots=True)
class Scan:
    """Values (slices, rows, columns) on the grid, rows and columns along those of the source."""

    values: Volume
    stack: Stack
    grid: Grid

    def column(self, x: float) -> float:
        """A column of the grid, (0) the centre of the first, in source pixels of the same convention."""
        return (x + 0.5) * self.stack.headers[0].columns / int(self.values.shape[2]) - 0.5

    def row(self, y: float) -> float:
        return (y + 0.5) * self.stack.headers[0].rows / int(self.values.shape[1]) - 0.5

    def slice(self, z: float) -> float:
        """A slice of the grid in source slices."""
        return z * self.grid.between / self.stack.distance


def read_scan(stack: Stack, pixels: PixelReader, grid: Grid) -> Scan:
    """Read every slice, and resample to the grid: area averaging where it shrinks, linear where it grows."""
    first = stack.headers[0]
    rows = max(1, round(first.rows * stack.spacing[0] / grid.inside))
    columns = max(1, round(first.columns * stack.spacing[1] / grid.inside))
    planes = np.stack([resize(pixels(header), rows, columns) for header in stack.headers])
    depth = max(1, int((len(planes) - 1) * stack.distance / grid.between) + 1)
    return Scan(along_depth(planes, depth, grid.between / stack.distance), stack, grid)


def resize(plane: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    flat = plane.reshape(plane.shape[-2:]).astype(np.float32)
    return np.asarray(Image.fromarray(flat).resize((columns, rows), Image.Resampling.BILINEAR), dtype=np.float32)


def along_depth(planes: Volume, depth: int, step: float) -> Volume:
    """Slices at multiples of `step` source slices: triangular weights as wide as the coarser of the two spacings."""
    reach = max(step, 1.0)
    out = np.empty((depth, *planes.shape[1:]), dtype=np.float32)
    for index in range(depth):
        near = np.arange(max(0, int(np.ceil(index * step - reach))), min(len(planes), int(index * step + reach) + 1))
        weights = np.clip(1 - np.abs(near - index * step) / reach, 1e-6, None)
        out[index] = np.tensordot((weights / weights.sum()).astype(np.float32), planes[near], axes=1)
    return out


def slab(values: Volume, index: int, context: int) -> Array:
    """The slice with `context` neighbours on either side as channels; the first and last slices repeat."""
    places = np.clip(np.arange(index - context, index + context + 1), 0, len(values) - 1)
    return np.moveaxis(values[places], 0, -1)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Probability (slices, rows, columns) of one map over a scan, and features (n, d) of the slices that were run."""

    probability: Volume
    slice_features: Array

    @property
    def features(self) -> Array:
        """Those of the scan as a whole: the mean over its slices."""
        return np.asarray(self.slice_features.mean(axis=0), dtype=np.float32)

    def parts(self, count: int) -> list[Array]:
        """Features of the whole and of `count` consecutive parts: a scan may show a part of the body only."""
        pieces = np.array_split(self.slice_features, count)
        return [self.features, *(piece.mean(axis=0) for piece in pieces if len(piece))]


def map_volume(
    predict: Predict, values: Volume, slices: Sequence[int], context: int, multiple: int, channel: int = 0
) -> Mapped:
    """Run the network over the given slices of normalised values; the others stay 0."""
    probability = np.zeros(values.shape, dtype=np.float32)
    down, right = (-size % multiple for size in values.shape[1:])
    padded = np.pad(values, ((0, 0), (0, down), (0, right)), mode="edge")
    features = []
    for start in range(0, len(slices), SLICES_AT_ONCE):
        chosen = slices[start : start + SLICES_AT_ONCE]
        outputs = predict(np.stack([slab(padded, index, context) for index in chosen]))
        for index, output in zip(chosen, outputs, strict=True):
            probability[index] = output.maps[: values.shape[1], : values.shape[2], channel]
            features.append(output.features)
    return Mapped(probability, np.stack(features))
