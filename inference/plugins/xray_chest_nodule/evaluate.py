"""How good a model is on drawn chests that it never saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.matching import Seen, match
from inference.plugins.segmentation.network import Output, Predict
from inference.plugins.segmentation.samples import Arrays
from inference.plugins.xray_chest_nodule.generate import OPACITY
from inference.plugins.xray_chest_nodule.model import CHEST_FLAG, OPACITY_MAP
from inference.plugins.xray_chest_nodule.preprocess import FIELD, Placement, local_contrasts
from inference.plugins.xray_chest_nodule.regions import find_regions, label_map

BATCH = 16
# a drawn film stands for one that is this wide
CELL_MM = 350 / FIELD
BINS = ((10.0, "under 10 mm"), (15.0, "10 to 15 mm"), (30.0, "15 to 30 mm"), (1e9, "30 mm and more"))
WHOLE = Placement(FIELD, FIELD, 1.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Looked:
    """One drawn picture: matched marks, whether it is a chest, how much the model takes it for one, its features."""

    seen: Seen
    chest: bool
    chest_score: float
    features: NDArray[np.float32]


def look(predict: Predict, examples: Arrays) -> Iterator[Looked]:
    """Run the model over all examples and match its marks with the inserted opacities."""
    for start in range(0, len(examples["images"]), BATCH):
        part = {name: array[start : start + BATCH] for name, array in examples.items()}
        outputs = predict(contrasts_of(part["images"]))
        for output, labels, chest in zip(outputs, part["labels"], part["chests"], strict=True):
            yield Looked(judge(output, labels), bool(chest), float(output.flags[CHEST_FLAG]), output.features)


def judge(output: Output, labels: NDArray[np.uint8]) -> Seen:
    """The marks of one picture against its opacities; those that touch are one."""
    from scipy import ndimage

    truth, _ = ndimage.label((labels & OPACITY) > 0)
    probability = output.maps[..., OPACITY_MAP]
    regions, marks = find_regions(probability, WHOLE), label_map(probability, WHOLE)
    order = np.zeros(int(marks.max()) + 1, dtype=np.int32)
    for place, region in enumerate(regions, start=1):
        order[region.number] = place
    return match(truth, order[marks], [region.peak for region in regions], CELL_MM)


def chests(looked: Sequence[Looked]) -> list[Seen]:
    """The drawn chests; figures are about them alone."""
    return [one.seen for one in looked if one.chest]


def contrasts_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Network inputs of 8-bit images (n, FIELD, FIELD)."""
    return np.stack([local_contrasts(image.astype(np.float32) / np.float32(255)) for image in images])
