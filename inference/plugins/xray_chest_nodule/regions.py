"""From a map of probabilities to outlined regions, in source pixels. No terminology here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain.outlines import Points
from inference.plugins.segmentation.outlines import trace
from inference.plugins.xray_chest_nodule.preprocess import Placement

LEVEL = 0.5
# field pixels; a region below this is smaller than the smallest lesion that was trained
SMALLEST_AREA = 12

Plane = NDArray[np.float32]
Labels = NDArray[np.int32]
Box = tuple[float, float, float, float]
Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Region:
    """One component of the map; `number` is its label.

    `field_centre` is (row, column) in the field; everything else is in source pixels: the closed `outline` (n, 2) as
    x and y, its `centroid` (x, y), the half-open `bbox` (x0, y0, x1, y1). `peak` is the highest probability inside.
    """

    number: int
    peak: float
    field_centre: tuple[float, float]
    centroid: tuple[float, float]
    bbox: Box
    outline: Points
    truncated: bool


def label_map(probability: Plane, placement: Placement) -> Labels:
    """Components of a map (FIELD, FIELD) above `LEVEL` inside the image, counted from 1; too small ones are 0."""
    from scipy import ndimage

    inside = np.zeros(probability.shape, dtype=bool)
    window = placement.window()
    inside[window] = probability[window] > LEVEL
    labels, count = ndimage.label(inside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return np.asarray(np.where(sizes[labels] >= SMALLEST_AREA, labels, 0), dtype=np.int32)


def find_regions(probability: Plane, placement: Placement) -> list[Region]:
    """The regions of a map, those with the highest peak first."""
    from scipy import ndimage

    labels = label_map(probability, placement)
    boxes = enumerate(ndimage.find_objects(labels), start=1)
    found = [describe(number, box, labels, probability, placement) for number, box in boxes if box is not None]
    return sorted(found, key=lambda region: -region.peak)


def describe(number: int, box: Window, labels: Labels, probability: Plane, placement: Placement) -> Region:
    """One component in its window of the field."""
    mask = labels[box] == number
    values = np.where(mask, probability[box], 0)
    down, right = np.nonzero(mask)
    centre = float(down.mean()) + box[0].start, float(right.mean()) + box[1].start
    return Region(
        number=number,
        peak=float(values.max()),
        field_centre=centre,
        centroid=placement.to_source(centre[1], centre[0]),
        bbox=source_box(box, placement),
        outline=source_outline(values, box, placement),
        truncated=touches(box, placement.window()),
    )


def source_box(box: Window, placement: Placement) -> Box:
    """The source pixels that a window of the field covers, whole ones, half-open."""
    rows, columns = box
    x0, y0 = ((s - o) / placement.scale for s, o in ((columns.start, placement.left), (rows.start, placement.top)))
    x1, y1 = ((s - o) / placement.scale for s, o in ((columns.stop, placement.left), (rows.stop, placement.top)))
    right, bottom = min(np.ceil(x1), placement.columns), min(np.ceil(y1), placement.rows)
    return max(0.0, float(np.floor(x0))), max(0.0, float(np.floor(y0))), float(right), float(bottom)


def source_outline(values: Plane, box: Window, placement: Placement) -> Points:
    """The outline of a component, zero elsewhere in its window, in source pixels."""
    points = trace(values, LEVEL)
    x, y = placement.to_source(points[:, 0] + box[1].start, points[:, 1] + box[0].start)
    return np.stack([np.clip(x, -0.5, placement.columns - 0.5), np.clip(y, -0.5, placement.rows - 0.5)], axis=1)


def touches(box: Window, window: Window) -> bool:
    """Whether a component reaches the border of the image, so that part of it may lie outside."""
    return any(b.start <= w.start or b.stop >= w.stop for b, w in zip(box, window, strict=True))
