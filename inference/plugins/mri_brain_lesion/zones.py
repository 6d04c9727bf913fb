"""Side and lobe of a place in the brain, by geometry: a head's brain is scaled to one of standard size.

No published atlas is used: the zones are bounded by planes along well-known landmarks (central and lateral sulcus,
parieto-occipital sulcus, tentorium), in mm towards right, front and top from the middle of the anterior commissure in
a brain of standard extents. They are coarse: near a border the neighbouring lobe is as likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Site
from inference.domain.stack import Stack

Field = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

# extents of the standard brain in mm: left to right, back to front, and its top
HALF_WIDTH, BACK, FRONT, TOP = 72.0, -106.0, 72.0, 80.0
MIDLINE_MM = 4.0
# every this many cells of the mask are enough to find its extents
STRIDE = 3
# brains of adults: a scale beyond these is no whole brain
SCALES = (0.75, 1.35)
BRAIN = ("12738006", "Brain")
ZONES = {
    1: ("83251001", "Frontal lobe"),
    2: ("16630005", "Parietal lobe"),
    3: ("78277001", "Temporal lobe"),
    4: ("31065004", "Occipital lobe"),
    5: ("36169008", "Insula"),
    6: ("42695009", "Thalamus"),
    7: ("31428008", "Corpus striatum"),
    8: ("113305005", "Cerebellum"),
    9: ("119238007", "Brain stem"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """From patient coordinates (LPS) to the standard brain: `centre` in mm and `scale`; lobes where all is seen."""

    centre: tuple[float, float, float]
    scale: tuple[float, float, float]
    has_lobes: bool

    def standard(self, point: Field) -> Field:
        """A point in LPS as mm to the right, front and top in the standard brain."""
        x, y, z = ((point[n] - self.centre[n]) / self.scale[n] for n in range(3))
        middle = (FRONT + BACK) / 2
        return np.array([-x, middle - y, TOP + z])


def frame_of(mask: Mask, stack: Stack, between: float) -> Frame | None:
    """From the brain's extents; `None` where a side is cut off, so that the midline is not known."""
    cells = np.argwhere(mask[::STRIDE, ::STRIDE, ::STRIDE]) * float(STRIDE)
    points = to_mm(cells, mask.shape, stack, between)
    low, high = np.percentile(points, (0.3, 99.7), axis=0)
    cut = cut_off(mask, np.array(stack.headers[0].orientation))
    if cut[0]:
        return None
    width, length = (high[0] - low[0]) / (2 * HALF_WIDTH), (high[1] - low[1]) / (FRONT - BACK)
    scale = (float(width), float(length), float((width + length) / 2))
    centre = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float(high[2]))
    whole = not cut[1] and not cut[3] and all(SCALES[0] <= one <= SCALES[1] for one in scale)
    return Frame(centre, scale, whole)


def to_mm(cells: Field, shape: tuple[int, ...], stack: Stack, between: float) -> Field:
    """Cells (n, 3) of the grid in LPS."""
    first = stack.headers[0]
    orientation = np.array(first.orientation)
    source = (cells[:, 1] + 0.5) * first.rows / shape[1] - 0.5, (cells[:, 2] + 0.5) * first.columns / shape[2] - 0.5
    normal = np.array(stack.headers[-1].position) - np.array(first.position)
    step = normal / max(len(stack.headers) - 1, 1) / stack.distance * between
    along = orientation[3:] * stack.spacing[0], orientation[:3] * stack.spacing[1]
    parts = [cells[:, :1] * step, source[0][:, None] * along[0], source[1][:, None] * along[1]]
    return np.asarray(np.array(first.position) + sum(parts))


def cut_off(mask: Mask, orientation: Field) -> tuple[bool, bool, bool, bool]:
    """Whether the brain reaches the border of the scan: at the sides, in front or behind, below, on top."""
    normal = np.cross(orientation[:3], orientation[3:])
    cut = [False] * 4
    for axis, way in enumerate((normal, orientation[3:], orientation[:3])):
        part = int(np.abs(way).argmax())
        ends = [bool(np.take(mask, edge, axis=axis).any()) for edge in (0, -1)]
        if part < 2:
            cut[part] |= any(ends)
        else:
            cut[2] |= ends[0] if way[2] > 0 else ends[1]
            cut[3] |= ends[1] if way[2] > 0 else ends[0]
    return cut[0], cut[1], cut[2], cut[3]


def site_at(frame: Frame | None, point: tuple[float, float, float]) -> Site | None:
    """Side and zone of a point in LPS; the side alone where the scan does not show the whole brain."""
    if frame is None:
        return None
    x, y, z = (float(value) for value in frame.standard(np.array(point)))
    # the standard brain counts towards the right
    laterality = "" if abs(x) < MIDLINE_MM else "R" if x > 0 else "L"
    code, display = ZONES[zone_at(abs(x), y, z)] if frame.has_lobes else BRAIN
    side = {"R": "right", "L": "left", "": "midline"}[laterality]
    return Site(code, "SCT", f"{display}, {side}", laterality)


def zone_at(x: float, y: float, z: float) -> int:
    """The number of the zone of a point `x` mm beside the midline."""
    # the tentorium falls to the back and to the sides
    if y < -30 and z < -10 + 0.22 * (y + 40) - 0.3 * max(x - 25, 0):
        return 9 if x < 12 and y > -42 else 8
    if x < 14 and -42 < y < -6 and z < -6 - 0.1 * (y + 20):
        return 9
    deep = deep_zone(x, y, z)
    return deep or lobe_at(x, y, z)


def deep_zone(x: float, y: float, z: float) -> int:
    """Thalamus, striatum and insula as boxes; 0 outside."""
    if x < 22 and -33 < y < -3 and -2 < z < 18:
        return 6
    if 7 < x < 32 and -18 < y < 23 and -10 < z < 20:
        return 7
    return 5 if 32 <= x < 43 and -24 < y < 22 and -12 < z < 17 else 0


def lobe_at(x: float, y: float, z: float) -> int:
    """Frontal, parietal, temporal or occipital, by the planes of the sulci."""
    behind = y < -60 - 0.65 * max(z - 8, 0)
    below_lateral_sulcus = z < -8 - 0.6 * y and x > 12
    if behind:
        return 4
    if below_lateral_sulcus and z < 22 and y < 24:
        return 3
    return 1 if y > -4 - 0.35 * (z - 10) else 2
