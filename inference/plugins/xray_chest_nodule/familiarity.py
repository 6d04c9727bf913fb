"""What the pixels themselves show: whether a picture is a frontal chest at all. Runs on the model's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.domain.errors import UnsupportedInput
from inference.plugins.xray_chest_nodule.lungs import lung_zones
from inference.plugins.xray_chest_nodule.model import Output
from inference.plugins.xray_chest_nodule.postprocess import Scoring


@dataclass(frozen=True, slots=True)
class Gate:
    """The thresholds that were set with the model: the least probability of a chest, and how peaks become scores."""

    chest: float
    scoring: Scoring

    def save(self, path: Path) -> None:
        scoring = self.scoring
        np.savez(path, chest=self.chest, slope=scoring.slope, offset=scoring.offset, threshold=scoring.threshold)


def load_gate(path: Path) -> Gate:
    """Read what `Gate.save` wrote; plain numbers only."""
    with np.load(path, allow_pickle=False) as stored:
        chest, slope, offset, threshold = (float(stored[name]) for name in ("chest", "slope", "offset", "threshold"))
    return Gate(chest, Scoring(slope, offset, threshold))


def require_chest(number: int, output: Output, gate: Gate) -> None:
    """Raises `UnsupportedInput` for image `number` where the model sees no chest, or not a lung on either side.

    The branch that tells chests from other pictures was trained with drawn chests against textures, bones, letters and
    noise: outlier exposure (Hendrycks et al. 2019), not a distance to the training data.
    """
    if output.chest < gate.chest:
        raise UnsupportedInput("Image %(number)s does not look like a chest radiograph.", number=number)
    if lung_zones(output.lung) is None:
        raise UnsupportedInput("Image %(number)s does not show both lungs from the front.", number=number)
