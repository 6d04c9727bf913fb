"""Whether an input is like what the model was trained on: the distance of its features to those of known inputs.

k nearest neighbours over standardised features (Sun et al. 2022, "Out-of-distribution detection with deep nearest
neighbors"). The limit is set so that a stated share of known inputs, or none, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.scoring import Scoring

NEIGHBOURS = 5
LARGEST_REFERENCE = 400
# how far beyond the most distant known input, as a share of its distance, an input may still lie
MARGIN = 1.5

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Familiarity:
    """Standardised features (n, d) of known inputs, how to standardise, and the largest distance that is taken."""

    reference: Features
    centre: Features
    scale: Features
    limit: float

    def distance(self, features: Features) -> float:
        """Root mean square distance per feature to the `NEIGHBOURS`-th nearest known input."""
        placed = (features - self.centre) / self.scale
        apart = np.sqrt(np.mean((self.reference - placed) ** 2, axis=1))
        return float(np.partition(apart, min(NEIGHBOURS, len(apart)) - 1)[min(NEIGHBOURS, len(apart)) - 1])


UNKNOWN = Familiarity(*(np.zeros((1, 1), dtype=np.float32),) * 3, limit=np.inf)


def learn(known: Features, held: Features, margin: float = MARGIN, refused: float = 0.0) -> Familiarity:
    """From features (n, d) of known inputs, with the limit from those (m, d) of further known inputs.

    The limit is `margin` times the distance that the share `refused` of the latter lies beyond.
    """
    centre, scale = known.mean(axis=0), known.std(axis=0) + 1e-3 * max(float(known.std()), 1e-6)
    reference = ((known - centre) / scale)[:LARGEST_REFERENCE].astype(np.float32)
    free = Familiarity(reference, centre, scale, np.inf)
    farthest = np.quantile([free.distance(one) for one in held], 1 - refused)
    return Familiarity(reference, centre, scale, float(farthest * margin))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is set with a model and stored beside it: scoring of marks, and what counts as familiar."""

    scoring: Scoring
    familiarity: Familiarity

    def save(self, path: Path) -> None:
        scoring, known = self.scoring, self.familiarity
        np.savez_compressed(
            path,
            scoring=np.array([scoring.slope, scoring.offset, scoring.threshold]),
            reference=known.reference.astype(np.float32),
            centre=known.centre.astype(np.float32),
            scale=known.scale.astype(np.float32),
            limit=known.limit,
        )


def load_thresholds(path: Path) -> Thresholds:
    """Read what `Thresholds.save` wrote; plain numbers only."""
    with np.load(path, allow_pickle=False) as stored:
        scoring = Scoring(*(float(value) for value in stored["scoring"]))
        reference, centre, scale = (stored[name] for name in ("reference", "centre", "scale"))
        return Thresholds(scoring, Familiarity(reference, centre, scale, float(stored["limit"])))
