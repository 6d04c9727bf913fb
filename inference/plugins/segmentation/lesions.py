"""From a volume of probabilities to lesions: components across slices, with outlines on the source's slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain.outlines import Points, extent, measure
from inference.domain.report import Contour, InstanceReference, Location, Site, Size
from inference.plugins.segmentation.outlines import trace
from inference.plugins.segmentation.volumes import Scan, Volume

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
MARGIN = 1


@dataclass(frozen=True, slots=True)
class Lesion:
    """One component: the window of the grid that holds it with a rim, its mask and probabilities there, its peak.

    `centre` is (slice, row, column) on the grid; `truncated` says that it reaches the border of the scan.
    """

    box: Box
    mask: Mask
    probability: Volume
    peak: float
    centre: tuple[float, float, float]
    truncated: bool

    @property
    def cells(self) -> int:
        return int(self.mask.sum())


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where a lesion lies in the source: contours of all slices that it crosses, its place and its size."""

    contours: tuple[Contour, ...]
    location: Location
    size: Size


def find_lesions(probability: Volume, level: float, fewest: int, allowed: Mask | None = None) -> list[Lesion]:
    """Components above `level` of at least `fewest` cells whose centre is allowed; highest peak first."""
    from scipy import ndimage

    labels, _ = ndimage.label(probability > level, structure=np.ones((3, 3, 3)))
    boxes = enumerate(ndimage.find_objects(labels), start=1)
    found = [as_lesion(probability, labels, number, box) for number, box in boxes if box is not None]
    kept = [one for one in found if one.cells >= fewest and (allowed is None or allows(allowed, one))]
    return sorted(kept, key=lambda one: -one.peak)


def allows(allowed: Mask, lesion: Lesion) -> bool:
    z, y, x = (round(value) for value in lesion.centre)
    return bool(allowed[z, y, x])


def as_lesion(probability: Volume, labels: NDArray[np.int32], number: int, tight: Box) -> Lesion:
    box = tuple(
        slice(max(0, one.start - MARGIN), min(size, one.stop + MARGIN))
        for one, size in zip(tight, probability.shape, strict=True)
    )
    window: Box = (box[0], box[1], box[2])
    mask = labels[window] == number
    places = np.argwhere(mask).mean(axis=0) + [one.start for one in window]
    at_border = any(o.start == 0 or o.stop == size for o, size in zip(tight, probability.shape, strict=True))
    values = np.where(others_removed(labels[window], number), 0, probability[window]).astype(np.float32)
    z, y, x = (float(value) for value in places)
    return Lesion(window, mask, values, float(values[mask].max()), (z, y, x), at_border)


def others_removed(labels: NDArray[np.int32], number: int) -> Mask:
    """Where another component lies."""
    return np.asarray((labels != 0) & (labels != number))


def label_lesions(lesions: list[Lesion], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """A label volume of the lesions, counted from 1 in their order: what `matching.match` takes."""
    labels = np.zeros(shape, dtype=np.int32)
    for number, lesion in enumerate(lesions, start=1):
        labels[lesion.box][lesion.mask] = number
    return labels


def draw(lesion: Lesion, scan: Scan, level: float, site: Site | None) -> Drawn:
    """Outlines, place and size in the source; axes are measured on the slice with the largest area."""
    outlines = dict(slice_outlines(lesion, scan, level))
    best = max(outlines, key=lambda number: extent(outlines[number]).area)
    headers = scan.stack.headers
    contours = tuple(Contour(headers[n].id, 1, rounded(points)) for n, points in sorted(outlines.items()))
    references = tuple(
        InstanceReference(headers[n].sop_instance_uid, 1, n == best, headers[n].id) for n in sorted(outlines)
    )
    volume = lesion.cells * scan.grid.inside**2 * scan.grid.between
    size = measure(outlines[best], headers[best], volume)
    return Drawn(contours, locate(lesion, scan, site, references, outlines), size)


def locate(
    lesion: Lesion,
    scan: Scan,
    site: Site | None,
    references: tuple[InstanceReference, ...],
    outlines: dict[int, Points],
) -> Location:
    """Centroid and box in pixels and in mm (LPS); the box in mm is that of the corners of the one in pixels."""
    z, y, x = lesion.centre
    centre = (scan.column(x), scan.row(y), scan.slice(z))
    points = np.concatenate(list(outlines.values()))
    low, high = np.floor(points.min(axis=0) + 0.5), np.ceil(points.max(axis=0) + 0.5)
    first, last = min(outlines), max(outlines) + 1
    box = (*low.tolist(), float(first), *high.tolist(), float(last))
    corners = np.array([
        scan.stack.to_mm(a - 0.5, b - 0.5, c - 0.5)
        for a in (box[0], box[3]) for b in (box[1], box[4]) for c in (box[2], box[5])
    ])  # fmt: skip
    mm = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    rounded_centre = tuple(round(value, 2) for value in centre)
    return Location(
        site, rounded_centre, box, scan.stack.to_mm(*centre), tuple(round(value, 2) for value in mm), references
    )


def slice_outlines(lesion: Lesion, scan: Scan, level: float) -> Iterator[tuple[int, Points]]:
    """Outline on each source slice that the lesion crosses, from the probabilities interpolated at its depth.

    A lesion thinner than the distance of the slices still gets the slice that is nearest to it.
    """
    pitch = scan.stack.distance / scan.grid.between
    start, stop = lesion.box[0].start, lesion.box[0].stop
    last = len(scan.stack.headers) - 1
    numbers = range(max(0, int(np.ceil(start / pitch))), min(last, int((stop - 1) / pitch)) + 1)
    planes = {number: at_depth(lesion.probability, number * pitch - start) for number in numbers}
    crossed = {number: plane for number, plane in planes.items() if plane.max(initial=0) > level}
    if not crossed:
        nearest = int(np.clip(round(lesion.centre[0] / pitch), 0, last))
        crossed = {nearest: lesion.probability.max(axis=0)}
    for number, plane in crossed.items():
        yield number, to_source(trace(plane, level), lesion, scan)


def at_depth(values: Volume, z: float) -> NDArray[np.float32]:
    """A plane between two slices of a window, by linear interpolation."""
    low = int(np.clip(np.floor(z), 0, len(values) - 1))
    high = min(low + 1, len(values) - 1)
    share = np.float32(np.clip(z - low, 0, 1))
    return np.asarray(values[low] * (1 - share) + values[high] * share, dtype=np.float32)


def to_source(points: Points, lesion: Lesion, scan: Scan) -> Points:
    """Points of the lesion's window in pixels of the source."""
    header = scan.stack.headers[0]
    x = (points[:, 0] + lesion.box[2].start + 0.5) * header.columns / scan.values.shape[2] - 0.5
    y = (points[:, 1] + lesion.box[1].start + 0.5) * header.rows / scan.values.shape[1] - 0.5
    return np.stack([np.clip(x, -0.5, header.columns - 0.5), np.clip(y, -0.5, header.rows - 0.5)], axis=1)


def rounded(points: Points) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
