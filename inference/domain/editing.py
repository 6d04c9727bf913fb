"""Findings that a person moved, resized, outlined anew, named anew or added: place and size follow from what was drawn.

Drawn coordinates are those of the contract: points count from the centre of the first pixel, boxes are half-open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from inference.domain.errors import UserError
from inference.domain.outlines import Points, shoelace
from inference.domain.placing import LEAST_SIDE, Box, Images, OutlineInvalid, Outlines, hull, placed
from inference.domain.report import Code, Finding, Location, Site, Size
from inference.domain.study import InstanceHeader

MOST_POINTS, FEWEST_POINTS = 1000, 3
FLAT, DEEP = 4, 6
"""Numbers of a box in two dimensions and in three."""


class NothingChanged(UserError):
    """An edit that edits nothing."""

    code = "nothing_changed"
    template = "The edit changes nothing: give another type, box or contour, or accept the finding."


class ImagesGone(UserError):
    """The study was deleted, so nothing can be measured on it."""

    code = "purged"
    template = "The images of this study were deleted: findings can be accepted, rejected and named anew, not redrawn."


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a person drew: a box or a closed contour on one frame of one image. `type` is None to leave it."""

    type: Code | None = None
    instance_id: str = ""
    frame: int = 1
    bbox: Box = ()
    contour: tuple[tuple[float, float], ...] = ()


def edited(finding: Finding, drawn: Drawn, images: Images | None) -> Finding:
    """The finding after an edit. Raises `OutlineInvalid`, `NothingChanged` and `ImagesGone`.

    The type that it has already is kept as the model told it: its words may say more than the list of types does.
    """
    other = drawn.type is not None and drawn.type.slug != finding.type.slug
    changed = replace(finding, type=drawn.type or finding.type) if other else finding
    if drawn.bbox or drawn.contour:
        if images is None:
            raise ImagesGone
        checked(drawn, images)
        changed = outlined(changed, drawn, images) if drawn.contour else boxed(changed, drawn, images)
    if changed == finding:
        raise NothingChanged
    return changed


def added(tracking_uid: str, kind: Code, drawn: Drawn, images: Images | None) -> Finding:
    """A finding that the model did not have; its score is 1, for a person said so, and is told nowhere.

    Raises `OutlineInvalid` and `ImagesGone`.
    """
    if images is None:
        raise ImagesGone
    if not (drawn.bbox or drawn.contour):
        raise OutlineInvalid(pointer="/bbox")
    checked(drawn, images)
    outlines = {(drawn.instance_id, drawn.frame): np.array(drawn.contour)} if drawn.contour else {}
    number = float(images.number(drawn.instance_id))
    box = hull(outlines, images) if outlines else in_depth(drawn.bbox, (number, number + 1), images)
    nowhere = Finding(tracking_uid, kind, 1.0, Location(None, (), box), Size(0, 0))
    return placed(nowhere, box, outlines, images, (drawn.instance_id, drawn.frame), None)


def checked(drawn: Drawn, images: Images) -> None:
    """Raises `OutlineInvalid` for what is not finite, has no extent or leaves the image."""
    header = images.header(drawn.instance_id)
    pointer = "/contour" if drawn.contour else "/bbox"
    numbers = [value for point in drawn.contour for value in point] or list(drawn.bbox)
    if not 1 <= drawn.frame <= header.frames or not all(math.isfinite(value) for value in numbers):
        raise OutlineInvalid(pointer=pointer)
    fits = contour_fits(drawn, header) if drawn.contour else box_fits(drawn.bbox, header, images)
    if not fits:
        raise OutlineInvalid(pointer=pointer)


def contour_fits(drawn: Drawn, header: InstanceHeader) -> bool:
    points = np.array(drawn.contour)
    if not FEWEST_POINTS <= len(points) <= MOST_POINTS:
        return False
    inside = (points >= -0.5).all() and (points <= [header.columns - 0.5, header.rows - 0.5]).all()
    return bool(inside) and shoelace(points) >= LEAST_SIDE


def box_fits(box: Box, header: InstanceHeader, images: Images) -> bool:
    if len(box) not in ((FLAT, DEEP) if images.stack else (FLAT,)):
        return False
    limits = (header.columns, header.rows, len(images.headers))
    half = len(box) // 2
    sides = zip(box[:half], box[half:], limits[:half], strict=True)
    return all(low >= 0 and high <= limit and high - low >= LEAST_SIDE for low, high, limit in sides)


def boxed(finding: Finding, drawn: Drawn, images: Images) -> Finding:
    """Moved and resized to a box: its outlines go with it, those on slices that it left are dropped."""
    old, half = finding.location.bbox_px, len(finding.location.bbox_px) // 2
    depth = (old[2], old[5]) if half > FLAT // 2 else (0.0, 1.0)
    box = in_depth(drawn.bbox, depth, images)
    outlines = {
        key: moved(points, old, box)
        for key, points in outlines_of(finding).items()
        if not images.stack or box[2] <= images.number(key[0]) < box[5]
    }
    return placed(finding, box, outlines, images, (drawn.instance_id, drawn.frame), site_after(finding, box))


def outlined(finding: Finding, drawn: Drawn, images: Images) -> Finding:
    """Outlined anew on one image; the outlines on other slices stay."""
    key = (drawn.instance_id, drawn.frame)
    kept = outlines_of(finding) if images.stack else {}
    outlines = {**kept, key: np.array(drawn.contour)}
    box = hull(outlines, images)
    return placed(finding, box, outlines, images, key, site_after(finding, box))


def in_depth(box: Box, depth: tuple[float, float], images: Images) -> Box:
    """A box as the images have it: drawn on one slice of a stack, it keeps the depth that is given."""
    rounded = tuple(round(float(value), 2) for value in box)
    if not images.stack:
        return rounded
    if len(rounded) == DEEP:
        return (*rounded[:2], float(math.floor(rounded[2])), *rounded[3:5], float(math.ceil(rounded[5])))
    return (*rounded[:2], depth[0], *rounded[2:], depth[1])


def outlines_of(finding: Finding) -> Outlines:
    return {(one.instance_id, one.frame): np.array(one.points, dtype=np.float64) for one in finding.contours}


def moved(points: Points, old: Box, new: Box) -> Points:
    """Points of one box in another: moved and stretched from edge to edge."""
    half, other = len(old) // 2, len(new) // 2
    start, to = np.array(old[:2]), np.array(new[:2])
    factor = (np.array(new[other : other + 2]) - to) / (np.array(old[half : half + 2]) - start)
    return np.asarray(to + (points + 0.5 - start) * factor - 0.5, dtype=np.float64)


def site_after(finding: Finding, box: Box) -> Site | None:
    """The site stays while the centre stays in the old box; beyond it nobody has said where in the body this is."""
    old = finding.location.bbox_px
    half, other = len(old) // 2, len(box) // 2
    centre = [(box[axis] + box[other + axis]) / 2 for axis in range(min(half, other))]
    inside = all(old[axis] <= value < old[half + axis] for axis, value in enumerate(centre))
    return finding.location.site if inside else None
