"""What the pixels themselves show: whether a picture is a frontal chest at all. Runs on the model's outputs."""

from __future__ import annotations

from inference.domain.errors import UnsupportedInput
from inference.plugins.segmentation.familiarity import Familiarity
from inference.plugins.segmentation.network import Output
from inference.plugins.xray_chest_nodule.lungs import lung_zones
from inference.plugins.xray_chest_nodule.model import CHEST_FLAG, LUNG_MAP

LEAST_CHEST = 0.5


def require_chest(number: int, output: Output, known: Familiarity) -> None:
    """Raises `UnsupportedInput` for image `number` where the model sees no chest, or not a lung on either side.

    The branch that tells chests from other pictures was trained with drawn chests against textures, bones, letters and
    noise: outlier exposure (Hendrycks et al. 2019). The distance to the features of known chests comes on top.
    """
    if output.flags[CHEST_FLAG] < LEAST_CHEST or known.distance(output.features) > known.limit:
        raise UnsupportedInput("Image %(number)s does not look like a chest radiograph.", number=number)
    if lung_zones(output.maps[..., LUNG_MAP]) is None:
        raise UnsupportedInput("Image %(number)s does not show both lungs from the front.", number=number)
