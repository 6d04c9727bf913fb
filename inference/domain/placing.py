"""From a box and outlines on images to place and size: what every report tells of a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from inference.domain.errors import UserError
from inference.domain.outlines import Points, measure, measure_box, shoelace, spacing_of
from inference.domain.report import Contour, Finding, InstanceReference, Location, Site, Size
from inference.domain.stack import Stack
from inference.domain.study import InstanceHeader, Vector3

LEAST_SIDE = 1.0

Box = tuple[float, ...]
Key = tuple[str, int]
Outlines = dict[Key, Points]
"""Closed outlines by image and frame."""


class OutlineInvalid(UserError):
    """What was drawn is no place on the image."""

    code = "outline_invalid"
    template = "The outline does not fit: draw it inside the image, at least one pixel wide and high."


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one series in order, and the stack that they form, None where they stand each for itself."""

    headers: tuple[InstanceHeader, ...]
    stack: Stack | None = None

    def header(self, instance_id: str) -> InstanceHeader:
        return self.headers[self.number(instance_id)]

    def number(self, instance_id: str) -> int:
        """The place in the order: z, where the images are a stack. Raises `OutlineInvalid`."""
        for number, header in enumerate(self.headers):
            if header.id == instance_id:
                return number
        raise OutlineInvalid(pointer="/instance")

    def to_mm(self, point: Box) -> Vector3 | None:
        return self.stack.to_mm(point[0], point[1], point[2]) if self.stack else None


def hull(outlines: Outlines, images: Images) -> Box:
    """The half-open box of whole pixels around all outlines."""
    points = np.concatenate(list(outlines.values()))
    low, high = np.floor(points.min(axis=0) + 0.5).tolist(), np.ceil(points.max(axis=0) + 0.5).tolist()
    if not images.stack:
        return (*low, *high)
    numbers = [images.number(instance_id) for instance_id, _frame in outlines]
    return (*low, float(min(numbers)), *high, float(max(numbers) + 1))


def placed(finding: Finding, box: Box, outlines: Outlines, images: Images, drawn_on: Key, site: Site | None) -> Finding:
    """The finding with everything that follows from its box and outlines."""
    best = max(outlines, key=lambda key: shoelace(outlines[key])) if outlines else drawn_on
    header = images.header(best[0])
    centre = centroid(box, outlines, images)
    location = Location(
        site=site,
        centroid_px=tuple(round(value, 2) for value in centre),
        bbox_px=box,
        centroid_mm=images.to_mm(centre),
        bbox_mm=box_mm(box, images),
        instances=references(box, best, images),
    )
    contours = tuple(
        Contour(instance_id, frame, tuple((round(float(x), 2), round(float(y), 2)) for x, y in points))
        for (instance_id, frame), points in sorted(outlines.items(), key=lambda item: images.number(item[0][0]))
    )
    size = size_of(box, outlines, best, header, images)
    cut = at_border(box, header, images)
    return replace(finding, location=location, size=size, truncated=cut, contours=contours)


def centroid(box: Box, outlines: Outlines, images: Images) -> Box:
    """The centre of the area of all outlines; without any, that of the box."""
    half = len(box) // 2
    if not outlines:
        return tuple((box[axis] + box[half + axis]) / 2 - 0.5 for axis in range(half))
    areas = np.array([shoelace(points) for points in outlines.values()])
    middles = np.array([middle(points) for points in outlines.values()])
    numbers = np.array([[images.number(instance_id)] for instance_id, _frame in outlines])
    places = np.hstack([middles, numbers]) if images.stack else middles
    return tuple((places * areas[:, None]).sum(axis=0) / areas.sum())


def middle(points: Points) -> Points:
    """The centre of the area of a polygon."""
    x, y = points[:, 0], points[:, 1]
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    total = cross.sum()
    if abs(total) < LEAST_SIDE / 2:
        return np.asarray(points.mean(axis=0))
    sums = [((values + np.roll(values, -1)) * cross).sum() for values in (x, y)]
    return np.asarray(np.array(sums) / (3 * total), dtype=np.float64)


def box_mm(box: Box, images: Images) -> Box | None:
    """The box around the corners of a box, in patient space."""
    if not images.stack:
        return None
    corners = np.array([
        images.to_mm((x - 0.5, y - 0.5, z - 0.5)) for x in box[0::3] for y in box[1::3] for z in box[2::3]
    ])  # fmt: skip
    return tuple(round(float(value), 2) for value in (*corners.min(axis=0), *corners.max(axis=0)))


def references(box: Box, best: Key, images: Images) -> tuple[InstanceReference, ...]:
    """The images that the box lies on."""
    shown = images.headers[int(box[2]) : int(box[5])] if images.stack else (images.header(best[0]),)
    frame = best[1] if not images.stack else 1
    return tuple(InstanceReference(one.sop_instance_uid, frame, one.id == best[0], one.id) for one in shown)


def size_of(box: Box, outlines: Outlines, best: Key, header: InstanceHeader, images: Images) -> Size:
    """Measured on the largest outline; without any, on the box."""
    if best in outlines:
        return measure(outlines[best], header, volume(outlines, images))
    half = len(box) // 2
    return measure_box(box[half] - box[0], box[half + 1] - box[1], header)


def volume(outlines: Outlines, images: Images) -> float | None:
    """Sum of the areas times the distance of the slices, mm3; None where the images are no stack."""
    if not images.stack:
        return None
    areas: Mapping[Key, float] = {key: shoelace(points) for key, points in outlines.items()}
    spacing, _source = spacing_of(images.stack.headers[0])
    return sum(areas.values()) * spacing[0] * spacing[1] * images.stack.distance if spacing else None


def at_border(box: Box, header: InstanceHeader, images: Images) -> bool:
    """Whether the lesion may go on beyond the image, or beyond the first or last slice."""
    limits = (header.columns, header.rows, len(images.headers))
    half = len(box) // 2
    return any(box[axis] <= 0 or box[half + axis] >= limits[axis] for axis in range(half))
