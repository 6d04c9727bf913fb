"""Closed outlines and what is measured on them. Points are (n, 2) as x and y in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Size, SpacingSource
from inference.domain.study import InstanceHeader, Vector2

LEAST_SPACING = 1e-6

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """Long axis, the width across it, and the area, in the unit of the points."""

    long: float
    short: float
    area: float


def trace(values: NDArray[np.float32], level: float) -> Points:
    """The longest line on which a plane, zero outside the component, crosses `level`: closed, in pixels of the plane.

    Raises `ValueError` where it never does.
    """
    from skimage.measure import find_contours

    lines = find_contours(np.pad(values, 1), level)  # type: ignore[no-untyped-call]
    longest = max(lines, key=len)
    return np.stack([longest[:, 1] - 1, longest[:, 0] - 1], axis=1)


def extent(points: Points) -> Extent:
    """Axes and area of a closed outline: the greatest distance of two points, and the width at right angles to it."""
    apart = points[:, None] - points[None]
    distances = np.hypot(apart[..., 0], apart[..., 1])
    first, second = np.unravel_index(int(distances.argmax()), distances.shape)
    long = float(distances[first, second])
    direction = (points[second] - points[first]) / max(long, 1e-9)
    across = points @ np.array([-direction[1], direction[0]])
    return Extent(long, float(np.ptp(across)), shoelace(points))


def shoelace(points: Points) -> float:
    """Area of a polygon by Gauss's formula."""
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def spacing_of(header: InstanceHeader) -> tuple[Vector2 | None, SpacingSource]:
    """Millimetres between rows and between columns, and the attribute that says so."""
    candidates: tuple[tuple[Vector2 | None, SpacingSource], ...] = (
        (header.pixel_spacing, "PixelSpacing"),
        (header.imager_pixel_spacing, "ImagerPixelSpacing"),
    )
    usable = (pair for pair in candidates if pair[0] is not None and min(pair[0]) > LEAST_SPACING)
    return next(usable, (None, "none"))


def measure(outline: Points, header: InstanceHeader, volume_mm3: float | None = None) -> Size:
    """Axes and area of an outline; in mm only where the header gives a spacing that can be."""
    pixels = extent(outline)
    spacing, source = spacing_of(header)
    if spacing is None:
        return Size(round(pixels.long, 2), round(pixels.short, 2), spacing_source="none")
    # DICOM gives the distance between rows first, points are x and y
    real = extent(outline * np.array([spacing[1], spacing[0]]))
    return Size(
        round(pixels.long, 2),
        round(pixels.short, 2),
        long_axis_mm=round(real.long, 2),
        short_axis_mm=round(real.short, 2),
        mean_diameter_mm=round((real.long + real.short) / 2, 2),
        area_mm2=round(real.area, 2),
        volume_mm3=None if volume_mm3 is None else round(volume_mm3, 1),
        spacing_source=source,
    )
