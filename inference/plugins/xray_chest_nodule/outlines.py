"""From a map of probabilities to outlined regions with their measures, in source pixels. No terminology here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.xray_chest_nodule.preprocess import Placement

# the focal loss leaves probabilities near a half over wide areas: at this level neighbours come apart, and outlines fit
LEVEL = 0.7
# field pixels; a region below this is smaller than the smallest lesion that was trained
SMALLEST_AREA = 12

Plane = NDArray[np.float32]
Points = NDArray[np.float64]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Region:
    """One component of the map.

    `field_centre` is (row, column) in the field; everything else is in source pixels: the closed `outline` (n, 2) as
    x and y, its `centroid` (x, y), the half-open `bbox` (x0, y0, x1, y1). `peak` is the highest probability inside.
    """

    peak: float
    area: int
    field_centre: tuple[float, float]
    centroid: tuple[float, float]
    bbox: Box
    outline: Points
    truncated: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """Long axis, the width across it, and the area, in the unit of the points."""

    long: float
    short: float
    area: float


def find_regions(probability: Plane, placement: Placement) -> list[Region]:
    """The regions of a map (FIELD, FIELD) above `LEVEL` inside the image, those with the highest peak first."""
    from scipy import ndimage

    inside = np.zeros_like(probability)
    window = placement.window()
    inside[window] = probability[window]
    labels, _ = ndimage.label(inside > LEVEL)
    masks = [(box, labels[box] == number) for number, box in enumerate(ndimage.find_objects(labels), start=1)]
    large = [(box, mask) for box, mask in masks if mask.sum() >= SMALLEST_AREA]
    return sorted((describe(box, mask, inside, placement) for box, mask in large), key=lambda region: -region.peak)


def describe(box: tuple[slice, slice], mask: NDArray[np.bool_], inside: Plane, placement: Placement) -> Region:
    """One component, given by its mask in the window `box` of the field."""
    values = np.where(mask, inside[box], 0)
    down, right = np.nonzero(mask)
    centre = float(down.mean()) + box[0].start, float(right.mean()) + box[1].start
    return Region(
        peak=float(values.max()),
        area=int(mask.sum()),
        field_centre=centre,
        centroid=placement.to_source(centre[1], centre[0]),
        bbox=source_box(box, placement),
        outline=trace(values, box, placement),
        truncated=touches(box, placement.window()),
    )


def source_box(box: tuple[slice, slice], placement: Placement) -> Box:
    """The source pixels that a window of the field covers, whole ones, half-open."""
    rows, columns = box
    x0, y0 = ((s - o) / placement.scale for s, o in ((columns.start, placement.left), (rows.start, placement.top)))
    x1, y1 = ((s - o) / placement.scale for s, o in ((columns.stop, placement.left), (rows.stop, placement.top)))
    right, bottom = min(np.ceil(x1), placement.columns), min(np.ceil(y1), placement.rows)
    return max(0.0, float(np.floor(x0))), max(0.0, float(np.floor(y0))), float(right), float(bottom)


def trace(values: Plane, box: tuple[slice, slice], placement: Placement) -> Points:
    """The longest line on which `values`, zero outside the component, cross `LEVEL`: closed, in source pixels."""
    from skimage.measure import find_contours

    lines = find_contours(np.pad(values, 1), LEVEL)  # type: ignore[no-untyped-call]
    longest = max(lines, key=len)
    across, down = longest[:, 1] - 1 + box[1].start, longest[:, 0] - 1 + box[0].start
    x, y = placement.to_source(across, down)
    return np.stack([np.clip(x, -0.5, placement.columns - 0.5), np.clip(y, -0.5, placement.rows - 0.5)], axis=1)


def touches(box: tuple[slice, slice], window: tuple[slice, slice]) -> bool:
    """Whether a component reaches the border of the image, so that part of it may lie outside."""
    return any(b.start <= w.start or b.stop >= w.stop for b, w in zip(box, window, strict=True))


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
