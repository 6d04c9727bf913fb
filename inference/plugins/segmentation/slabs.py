"""Batches for scan models: square crops of a few slices, most of them at lesions, the others anywhere in the body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.fit import Batch
from inference.plugins.segmentation.network import Array
from inference.plugins.segmentation.volumes import slab
from inference.plugins.segmentation.weights import even_weights

CROP, SHIFT = 96, 36
# pixels of a lesion 12 mm across: a smaller one counts as much
USUAL_AREA, MOST_WEIGHT = 120.0, 6.0
LESION_SHARE = 0.6

Places = NDArray[np.int64]
Pair = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Cut:
    """How slabs are cut from stored volumes, by modality.

    `context` are the neighbours on either side; `normalise` takes stored values to those of the network. A crop's
    values are multiplied by about 1, off by `gain_sd`, and moved by about `offset_sd`, in stored units. Places without
    lesions lie where the stored value is within `ground`, at least `margin` (a share) from the sides of a slice.
    """

    context: int
    normalise: Callable[[Array], Array]
    gain_sd: float
    offset_sd: float
    ground: tuple[float, float]
    margin: float


@dataclass(frozen=True, slots=True)
class Slabs:
    """Drawn scans as a `Source` of the shared training loop. `places` (n, 4) are scan, slice, row and column."""

    stored: NDArray[Any]
    truth: NDArray[Any]
    places: Places
    cut: Cut

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        rows = [self.one(self.places[index], rng) for index in chosen]
        images, maps = (np.stack(part) for part in zip(*rows, strict=True))
        known = np.stack([even_weights(one[..., 0] > 0, USUAL_AREA, MOST_WEIGHT) for one in maps])[..., None]
        return Batch(images, maps, known, np.zeros((len(rows), 0), dtype=np.float32))

    def one(self, place: Places, rng: np.random.Generator) -> Pair:
        """Channels and map (CROP, CROP, ...) around a place, shifted, turned, mirrored, a little off in contrast."""
        cut, scan, index = self.cut, int(place[0]), int(place[1])
        depth, rows, columns = self.stored.shape[1:]
        top, left = (
            int(np.clip(at - CROP // 2 + rng.integers(-SHIFT, SHIFT + 1), 0, size - CROP))
            for at, size in zip(place[2:], (rows, columns), strict=True)
        )
        near = np.clip(np.arange(index - cut.context, index + cut.context + 1), 0, depth - 1)
        window = slice(top, top + CROP), slice(left, left + CROP)
        values = self.stored[scan][near[0] : near[-1] + 1, window[0], window[1]].astype(np.float32)[near - near[0]]
        values = values * np.float32(1 + rng.normal(0, cut.gain_sd)) + np.float32(rng.normal(0, cut.offset_sd))
        planes = slab(cut.normalise(values), cut.context, cut.context)
        truth = (self.truth[scan][index][window] > 0).astype(np.float32)[..., None]
        return turned(planes, truth, rng)


def turned(planes: Array, truth: Array, rng: np.random.Generator) -> Pair:
    """Quarter turns, mirrors, and the order of the slices reversed, at random."""
    quarter, mirrored, reversed_ = int(rng.integers(4)), rng.random() < 0.5, rng.random() < 0.5
    planes = planes[..., ::-1] if reversed_ else planes
    both = [np.rot90(part[:, ::-1] if mirrored else part, quarter) for part in (planes, truth)]
    return np.ascontiguousarray(both[0]), np.ascontiguousarray(both[1])


def cut_slabs(stored: NDArray[Any], truth: NDArray[Any], count: int, rng: np.random.Generator, cut: Cut) -> Slabs:
    """`count` slabs: `LESION_SHARE` of them on slices of lesions or just beside, the others anywhere in the body."""
    lesions = [row for scan in range(len(truth)) for row in lesion_places(truth[scan], scan)]
    wanted = int(count * LESION_SHARE) if lesions else 0
    picked = [lesions[int(n)] for n in rng.integers(0, max(len(lesions), 1), wanted)]
    rows = [(scan, int(rng.integers(low - 1, high + 1)), y, x) for scan, low, high, y, x in picked]
    rows += [ground_place(stored, rng, cut) for _ in range(count - wanted)]
    places = np.array(rows, dtype=np.int64)
    places[:, 1] = np.clip(places[:, 1], 0, stored.shape[1] - 1)
    return Slabs(stored, truth, places, cut)


def lesion_places(truth: NDArray[Any], scan: int) -> list[tuple[int, int, int, int, int]]:
    """Scan, first and last + 1 slice, row and column of every lesion of a scan."""
    from scipy import ndimage

    boxes = [box for box in ndimage.find_objects(np.asarray(truth)) if box is not None]
    middles = [[(part.start + part.stop) // 2 for part in box] for box in boxes]
    return [(scan, box[0].start, box[0].stop, at[1], at[2]) for box, at in zip(boxes, middles, strict=True)]


def ground_place(stored: NDArray[Any], rng: np.random.Generator, cut: Cut) -> tuple[int, int, int, int]:
    """A random cell whose value is within `cut.ground`."""
    scans, depth, rows, columns = stored.shape
    top, left = int(rows * cut.margin), int(columns * cut.margin)
    while True:
        place = (
            int(rng.integers(scans)),
            int(rng.integers(depth)),
            int(rng.integers(top, rows - top)),
            int(rng.integers(left, columns - left)),
        )
        if cut.ground[0] < stored[place] < cut.ground[1]:
            return place
