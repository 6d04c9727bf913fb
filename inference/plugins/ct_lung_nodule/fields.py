"""Building blocks of drawn volumes: a box of coordinates in mm, soft edges. Values are float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Space:
    """Coordinates in mm that broadcast to (slices, rows, columns): z towards the head, y to the back, x to the left."""

    z: Field
    y: Field
    x: Field
    inside: float
    between: float

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.z.shape[0], self.y.shape[1], self.x.shape[2]

    def cell(self, point: Field) -> Field:
        """A point (x, y, z) in mm as (slice, row, column) of the grid."""
        low = np.array([self.z[0, 0, 0], self.y[0, 0, 0], self.x[0, 0, 0]])
        return np.asarray((point[::-1] - low) / (self.between, self.inside, self.inside), dtype=np.float32)


def space(shape: tuple[int, int, int], inside: float, between: float) -> Space:
    """A box with its middle at x = y = 0; z counts from 0 at the lowest slice."""
    slices, rows, columns = (np.arange(size, dtype=np.float32) for size in shape)
    return Space(
        (slices * np.float32(between))[:, None, None],
        ((rows - np.float32((shape[1] - 1) / 2)) * np.float32(inside))[None, :, None],
        ((columns - np.float32((shape[2] - 1) / 2)) * np.float32(inside))[None, None, :],
        inside,
        between,
    )


def soft(depth: Field, width: float) -> Field:
    """0 outside to 1 inside of a surface; `depth` is the distance inside in mm, `width` that of the ramp."""
    return np.asarray(np.clip(depth / np.float32(width) + np.float32(0.5), 0, 1))


def ellipse_depth(a: Field, b: Field, radius_a: Field | float, radius_b: Field | float) -> Field:
    """About the distance in mm inside of an ellipse, negative outside."""
    share = np.sqrt((a / radius_a) ** 2 + (b / radius_b) ** 2)
    return np.asarray((1 - share) * np.minimum(radius_a, radius_b), dtype=np.float32)
