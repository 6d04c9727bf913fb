"""Batches for the CT model: square crops of a few slices, most of them at nodules, the others anywhere in the lungs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.ct_lung_nodule.plugin import CONTEXT, normalise
from inference.plugins.segmentation.fit import Batch
from inference.plugins.segmentation.volumes import slab
from inference.plugins.segmentation.weights import even_weights

CROP = 96
# pixels of a nodule 12 mm across: a smaller one counts as much
USUAL_AREA, MOST_WEIGHT = 120.0, 6.0
NODULE_SHARE = 0.6
LUNG_BELOW = -600
SHIFT_SD_HU, SCALE_SD = 15.0, 0.03

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slabs:
    """Drawn scans as a `Source` of the shared training loop. `places` (n, 4) are scan, slice, row and column."""

    hu: NDArray[Any]
    truth: NDArray[Any]
    places: Places

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        rows = [self.one(self.places[index], rng) for index in chosen]
        images, maps = (np.stack(part) for part in zip(*rows, strict=True))
        known = np.stack([even_weights(one[..., 0] > 0, USUAL_AREA, MOST_WEIGHT) for one in maps])[..., None]
        return Batch(images, maps, known, np.zeros((len(rows), 0), dtype=np.float32))

    def one(self, place: Places, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Channels and map (CROP, CROP, ...) around a place, shifted, turned, mirrored, and a little off in density."""
        scan, index = int(place[0]), int(place[1])
        depth, rows, columns = self.hu.shape[1:]
        top, left = (
            int(np.clip(at - CROP // 2 + rng.integers(-36, 37), 0, size - CROP))
            for at, size in zip(place[2:], (rows, columns), strict=True)
        )
        near = np.clip(np.arange(index - CONTEXT, index + CONTEXT + 1), 0, depth - 1)
        window = slice(top, top + CROP), slice(left, left + CROP)
        values = self.hu[scan][near[0] : near[-1] + 1, window[0], window[1]].astype(np.float32)
        values = values[near - near[0]] * np.float32(1 + rng.normal(0, SCALE_SD)) + np.float32(
            rng.normal(0, SHIFT_SD_HU)
        )
        planes = slab(normalise(values), CONTEXT, CONTEXT)
        truth = (self.truth[scan][index][window] > 0).astype(np.float32)[..., None]
        return turned(planes, truth, rng)


def turned(
    planes: NDArray[np.float32], truth: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Quarter turns, mirrors, and the order of the slices reversed, at random."""
    quarter, mirrored, reversed_ = int(rng.integers(4)), rng.random() < 0.5, rng.random() < 0.5
    planes = planes[..., ::-1] if reversed_ else planes
    both = [np.rot90(part[:, ::-1] if mirrored else part, quarter) for part in (planes, truth)]
    return np.ascontiguousarray(both[0]), np.ascontiguousarray(both[1])


def choose_places(hu: NDArray[Any], truth: NDArray[Any], count: int, rng: np.random.Generator) -> Places:
    """`count` places: `NODULE_SHARE` of them on slices of nodules or just beside, the others anywhere in the lungs."""
    nodules = [row for scan in range(len(truth)) for row in nodule_places(truth[scan], scan)]
    wanted = int(count * NODULE_SHARE) if nodules else 0
    picked = [nodules[int(n)] for n in rng.integers(0, max(len(nodules), 1), wanted)]
    rows = [(scan, int(rng.integers(low - 1, high + 1)), y, x) for scan, low, high, y, x in picked]
    rows += [lung_place(hu, rng) for _ in range(count - wanted)]
    places = np.array(rows, dtype=np.int64)
    places[:, 1] = np.clip(places[:, 1], 0, hu.shape[1] - 1)
    return places


def nodule_places(truth: NDArray[Any], scan: int) -> list[tuple[int, int, int, int, int]]:
    """Scan, first and last + 1 slice, row and column of every nodule of a scan."""
    from scipy import ndimage

    boxes = [box for box in ndimage.find_objects(np.asarray(truth)) if box is not None]
    middles = [[(part.start + part.stop) // 2 for part in box] for box in boxes]
    return [(scan, box[0].start, box[0].stop, at[1], at[2]) for box, at in zip(boxes, middles, strict=True)]


def lung_place(hu: NDArray[Any], rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A random cell of aerated lung inside the body."""
    scans, depth, rows, columns = hu.shape
    while True:
        scan, z = int(rng.integers(scans)), int(rng.integers(depth))
        y, x = int(rng.integers(rows // 6, rows * 5 // 6)), int(rng.integers(columns // 6, columns * 5 // 6))
        if hu[scan, z, y, x] < LUNG_BELOW:
            return scan, z, y, x
