"""What is measured on a closed outline or a box: axes and area, in pixels and in mm. Points are (n, 2), x and y.

Boxes are half-open: one that holds the pixels 3 to 5 goes from 3 to 6, from edge to edge; points count from centres.
"""

from __future__ import annotations

import math
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
    spacing, source = spacing_of(header)
    # DICOM gives the distance between rows first, points are x and y
    real = extent(outline * np.array([spacing[1], spacing[0]])) if spacing else None
    return size_of(extent(outline), real, source, volume_mm3)


def measure_box(width: float, height: float, header: InstanceHeader) -> Size:
    """The same of a box without an outline, as of the ellipse that fills it: a lesion does not reach its corners."""
    spacing, source = spacing_of(header)
    real = ellipse(width * spacing[1], height * spacing[0]) if spacing else None
    return size_of(ellipse(width, height), real, source, None)


def ellipse(width: float, height: float) -> Extent:
    return Extent(max(width, height), min(width, height), math.pi / 4 * width * height)


def size_of(pixels: Extent, real: Extent | None, source: SpacingSource, volume_mm3: float | None) -> Size:
    """Rounded as every report gives sizes; `real` is in mm, None where the spacing is not known."""
    long, short = round(pixels.long, 2), round(pixels.short, 2)
    if real is None:
        return Size(long, short, spacing_source="none")
    return Size(
        long,
        short,
        long_axis_mm=round(real.long, 2),
        short_axis_mm=round(real.short, 2),
        mean_diameter_mm=round((real.long + real.short) / 2, 2),
        area_mm2=round(real.area, 2),
        volume_mm3=None if volume_mm3 is None else round(volume_mm3, 1),
        spacing_source=source,
    )
