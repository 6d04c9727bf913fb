"""What the lung map tells: whether a picture has two lungs, and in which zone a place lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.xray_chest_nodule.preprocess import Plane

LUNG_LEVEL = 0.5
# shares of the field: with less than this on either side the map is no ground to name a zone
LEAST_LUNG = 0.03
ZONES = ("upper", "mid", "lower")


@dataclass(frozen=True, slots=True)
class LungZones:
    """Top and bottom row of the lungs, and the column halfway between the two."""

    top: float
    bottom: float
    midline: float

    def locate(self, row: float, column: float) -> tuple[str, str]:
        """Laterality and zone of a place in the field. The image's left is the patient's right in PA and AP."""
        third = (row - self.top) / max(self.bottom - self.top, 1.0) * len(ZONES)
        zone = ZONES[int(np.clip(third, 0, len(ZONES) - 1))]
        return ("R" if column < self.midline else "L"), zone


def lung_zones(lung: Plane) -> LungZones | None:
    """Zones from the lung map (FIELD, FIELD); `None` where it does not show a lung on each side."""
    mask = lung > LUNG_LEVEL
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return None
    midline = split_column(mask)
    left, right = mask[:, : int(midline)], mask[:, int(midline) :]
    if min(left.sum(), right.sum()) < LEAST_LUNG * mask.size:
        return None
    rows = np.flatnonzero(mask.sum(axis=1) > 0.02 * mask.shape[1])
    return LungZones(float(rows[0]), float(rows[-1] + 1), midline)


def split_column(mask: NDArray[np.bool_]) -> float:
    """The column with the least lung between the outer quarters of the lungs' width: the mediastinum."""
    heights = mask.sum(axis=0)
    columns = np.flatnonzero(heights)
    first, last = int(columns[0]), int(columns[-1])
    quarter = (last - first) // 4
    middle = heights[first + quarter : last - quarter + 1]
    return float(first + quarter + np.flatnonzero(middle == middle.min()).mean())


def lung_figures(lung: Plane) -> NDArray[np.float32]:
    """Seven figures of the shape of the map: what is covered in all, each side, mirror, certainty, height and width."""
    mask = lung > LUNG_LEVEL
    half = mask.shape[1] // 2
    mirrored = mask[:, ::-1]
    overlap = (mask & mirrored).sum() / max((mask | mirrored).sum(), 1)
    doubt = float((4 * lung * (1 - lung)).mean())
    rows, columns = mask.any(axis=1).mean(), mask.any(axis=0).mean()
    shares = [mask.mean(), mask[:, :half].mean(), mask[:, half:].mean(), overlap, doubt, rows, columns]
    return np.array(shares, dtype=np.float32)
