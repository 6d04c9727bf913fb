"""Marks against known lesions, in planes and in volumes alike: label arrays of any dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# a mark hits a lesion where they share more than a tenth of their union
HIT_OVERLAP = 0.1

Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Mark:
    """A region that the model marked: its peak, and whether it lies on a lesion."""

    peak: float
    hit: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """A known lesion: diameter in mm of the circle or ball of its extent, and the mark that hit it, if any (peak > 0).

    `size_error` is the relative error of the mark's diameter.
    """

    diameter: float
    peak: float
    dice: float
    size_error: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One case, an image or a scan: what was there and what was marked."""

    truths: tuple[Truth, ...]
    marks: tuple[Mark, ...]


def match(truth: Labels, marks: Labels, peaks: Sequence[float], cell_mm: float) -> Seen:
    """Match components. Labels count from 1; `peaks` of the marks in order; `cell_mm` is the edge of a cell."""
    wanted, count = sizes(truth), len(peaks)
    found = np.pad(sizes(marks), (0, max(0, count + 1 - len(sizes(marks)))))
    both = overlaps(truth, marks, len(wanted), len(found))
    union = wanted[:, None] + found[None] - both
    shared = np.where(union > 0, both / np.maximum(union, 1), 0)[1:, 1:]
    edges = [diameter(size, truth.ndim) * cell_mm for size in wanted[1:]]
    truths = [
        judge(row, edge, found[1:], peaks, (truth.ndim, cell_mm)) for row, edge in zip(shared, edges, strict=True)
    ]
    hit = shared.max(axis=0, initial=0.0) > HIT_OVERLAP
    return Seen(tuple(truths), tuple(Mark(float(p), bool(h)) for p, h in zip(peaks, hit, strict=True)))


def judge(
    shared: NDArray[np.float64], edge: float, found: NDArray[np.int64], peaks: Sequence[float], cell: tuple[int, float]
) -> Truth:
    """One lesion of diameter `edge` with the mark that overlaps it most."""
    best = int(shared.argmax()) if len(shared) else -1
    if best < 0 or shared[best] <= HIT_OVERLAP:
        return Truth(edge, 0.0, 0.0, 0.0)
    dice = 2 * shared[best] / (1 + shared[best])
    error = abs(diameter(int(found[best]), cell[0]) * cell[1] - edge) / edge
    return Truth(edge, float(peaks[best]), float(dice), error)


def sizes(labels: Labels) -> NDArray[np.int64]:
    return np.bincount(labels.ravel())


def overlaps(one: Labels, other: Labels, rows: int, columns: int) -> NDArray[np.int64]:
    """How many cells each pair of labels shares (rows, columns)."""
    joint = one.ravel().astype(np.int64) * columns + other.ravel()
    return np.bincount(joint, minlength=rows * columns).reshape(rows, columns)


def diameter(cells: int, dimensions: int) -> float:
    """Diameter of the circle (2) or ball (3) of this many cells, in cells."""
    if dimensions == 2:
        return float(2 * np.sqrt(cells / np.pi))
    return float((6 * cells / np.pi) ** (1 / 3))
