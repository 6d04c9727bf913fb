"""Parallel slices, and the way from their pixels to millimetres in patient space (LPS)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import InstanceHeader, Vector2, Vector3


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel slices in order along their normal. `spacing` is mm (between rows, between columns); distances in mm."""

    headers: tuple[InstanceHeader, ...]
    spacing: Vector2
    distance: float

    def to_mm(self, x: float, y: float, z: float) -> Vector3:
        """A point in pixels, z counted in slices, in patient coordinates (LPS, mm)."""
        low = int(np.clip(np.floor(z), 0, max(len(self.headers) - 2, 0)))
        high = min(low + 1, len(self.headers) - 1)
        near, far = origin(self.headers[low]), origin(self.headers[high])
        orientation = np.array(self.headers[0].orientation)
        start = near + (far - near) * (z - low)
        point = start + orientation[:3] * x * self.spacing[1] + orientation[3:] * y * self.spacing[0]
        first, second, third = (round(float(value), 2) for value in point)
        return first, second, third


def origin(header: InstanceHeader) -> NDArray[np.float64]:
    return np.array(header.position, dtype=np.float64)
