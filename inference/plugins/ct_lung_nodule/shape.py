"""Round or long: a piece of a vessel that the network takes for a nodule is longer than wide by far."""

from __future__ import annotations

import numpy as np

from inference.plugins.segmentation.lesions import Lesion
from inference.plugins.segmentation.volumes import Grid

# of drawn nodules one in twenty is longer, of false marks four in five are
LONGEST = 2.0
# mm2; the extent of a cell itself, so that a mark one slice thick is not endlessly flat
CELL_VARIANCE = 0.2


def elongation(lesion: Lesion, grid: Grid) -> float:
    """Ratio of the longest to the shortest principal axis of a mark."""
    places = np.argwhere(lesion.mask) * (grid.between, grid.inside, grid.inside)
    spread = np.cov(places.T) + np.eye(3) * CELL_VARIANCE
    values = np.linalg.eigvalsh(spread)
    return float(np.sqrt(values[-1] / values[0]))


def is_compact(lesion: Lesion, grid: Grid) -> bool:
    """Whether a mark may be a nodule by its shape."""
    return elongation(lesion, grid) < LONGEST
