"""Batches for the chest model from drawn films: mirrored and with a bent tone curve at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.fit import Batch
from inference.plugins.segmentation.samples import Arrays
from inference.plugins.xray_chest_nodule.generate import LUNG, OPACITY
from inference.plugins.xray_chest_nodule.preprocess import local_contrasts


@dataclass(frozen=True, slots=True)
class Films:
    """Drawn films as a `Source` of the shared training loop; maps are opacity and lung, the flag is chest."""

    examples: Arrays

    def __len__(self) -> int:
        return len(self.examples["images"])

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        rows = [self.one(int(index), rng) for index in chosen]
        images, maps, known = (np.stack(part) for part in zip(*rows, strict=True))
        return Batch(images, maps, known, self.examples["chests"][chosen].astype(np.float32)[:, None])

    def one(
        self, index: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Channels, maps, and where they are known: the lungs of an operator's own films are not."""
        mirrored = slice(None, None, -1 if rng.random() < 0.5 else 1)
        grey = self.examples["images"][index][:, mirrored].astype(np.float32) / np.float32(255)
        labels = self.examples["labels"][index][:, mirrored]
        maps = np.stack([labels & OPACITY, (labels & LUNG) // LUNG], axis=-1).astype(np.float32)
        known = np.ones_like(maps)
        known[..., 1] = not self.examples["chests"][index] or bool(maps[..., 1].any())
        return local_contrasts(grey ** np.float32(np.exp(rng.normal(0, 0.15)))), maps, known
