"""Batches for the chest model from drawn films: mirrored and with a bent tone curve at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.fit import Batch
from inference.plugins.segmentation.samples import Arrays
from inference.plugins.segmentation.weights import even_weights
from inference.plugins.xray_chest_nodule.generate import LUNG, OPACITY
from inference.plugins.xray_chest_nodule.preprocess import local_contrasts

# training sees squares of this side, cut from the field at random: that is cheaper, and shows each film in many places
CROP = 192
# field pixels of an opacity 18 across: a smaller one counts as much
USUAL_AREA, MOST_WEIGHT = 250.0, 4.0

Arrays3 = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Films:
    """Drawn films as a `Source` of the shared training loop; maps are opacity and lung, the flag is chest.

    `shown` (n,) are the films of an epoch, by number; without it each comes once.
    """

    examples: Arrays
    shown: NDArray[np.int64] | None = None
    crop: int = CROP

    def __len__(self) -> int:
        return len(self.examples["images"] if self.shown is None else self.shown)

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        numbers = chosen if self.shown is None else self.shown[chosen]
        rows = [self.one(int(number), rng) for number in numbers]
        images, maps, known = (np.stack(part) for part in zip(*rows, strict=True))
        return Batch(images, maps, known, self.examples["chests"][numbers].astype(np.float32)[:, None])

    def one(self, index: int, rng: np.random.Generator) -> Arrays3:
        """Channels, maps, and where they are known: the lungs of an operator's own films are not."""
        mirrored = slice(None, None, -1 if rng.random() < 0.5 else 1)
        grey = self.examples["images"][index][:, mirrored].astype(np.float32) / np.float32(255)
        labels = self.examples["labels"][index][:, mirrored]
        maps = np.stack([labels & OPACITY, (labels & LUNG) // LUNG], axis=-1).astype(np.float32)
        known = np.ones_like(maps)
        known[..., 0] = even_weights(maps[..., 0] > 0, USUAL_AREA, MOST_WEIGHT)
        known[..., 1] = not self.examples["chests"][index] or bool(maps[..., 1].any())
        contrasts = local_contrasts(grey ** np.float32(np.exp(rng.normal(0, 0.15))))
        top, left = rng.integers(0, grey.shape[0] - self.crop + 1, 2)
        window = slice(top, top + self.crop), slice(left, left + self.crop)
        return contrasts[window], maps[window], known[window]
