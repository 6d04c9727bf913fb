"""How a region's peak becomes a calibrated score, and from which score it is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.matching import Seen

NEWTON_STEPS = 50
RIDGE = 1e-3
LOWEST_THRESHOLD = 0.05


@dataclass(frozen=True, slots=True)
class Scoring:
    """`slope` (an inverse temperature) and `offset` of the logit, and the score from which a region is reported."""

    slope: float
    offset: float
    threshold: float

    def score(self, peak: float) -> float:
        """Calibrated probability (Platt) that a region with this peak is a lesion."""
        return float(1 / (1 + np.exp(-(self.slope * logit(np.array(peak)) + self.offset))))


UNCALIBRATED = Scoring(1.0, 0.0, 0.0)


def logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def fit_scoring(seen: Sequence[Seen], most_false: float) -> Scoring:
    """Calibration on validation cases, and the lowest threshold with at most `most_false` false marks per case."""
    marks = [mark for case in seen for mark in case.marks]
    slope, offset = platt(np.array([m.peak for m in marks]), np.array([m.hit for m in marks], dtype=bool))
    free = Scoring(slope, offset, 0.0)
    false = sorted((free.score(mark.peak) for mark in marks if not mark.hit), reverse=True)
    allowed = int(most_false * len(seen))
    at = false[allowed] + 1e-4 if len(false) > allowed else LOWEST_THRESHOLD
    return Scoring(slope, offset, round(max(at, LOWEST_THRESHOLD), 4))


def platt(peaks: NDArray[np.float64], hits: NDArray[np.bool_]) -> tuple[float, float]:
    """Logistic regression of hit on the logit of the peak, by Newton's method with a slight ridge."""
    if not len(peaks):
        return 1.0, 0.0
    design = np.stack([logit(peaks), np.ones_like(peaks)], axis=1)
    weights = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        share = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (share - hits) + RIDGE * weights
        curvature = (design * (share * (1 - share))[:, None]).T @ design + RIDGE * np.eye(2)
        weights = weights - np.linalg.solve(curvature, gradient)
    return float(weights[0]), float(weights[1])
