"""Drawn chest CT scans with known nodules, for training, tests and demonstration.

Scan `index` of series `seed` is the same on every machine with the same libraries.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.ct_lung_nodule.fields import Field
from inference.plugins.ct_lung_nodule.nodules import KINDS, Nodule, insert_nodules
from inference.plugins.ct_lung_nodule.thorax import draw_thorax
from inference.plugins.segmentation.samples import Column, Series
from inference.plugins.segmentation.slices import SeriesPlan, write_series

# slices, rows, columns of a drawn scan, and its spacing in mm
SHAPE = (120, 240, 304)
INSIDE, BETWEEN = 1.0, 2.0
MOST_NODULES = 30

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class DrawnScan:
    """Density (HU) as a scanner shows it, labels of the nodules, and the nodules."""

    hu: Field
    truth: NDArray[np.uint8]
    nodules: tuple[Nodule, ...]


def draw_scan(seed: int, index: int, count: int, shape: Shape = SHAPE) -> DrawnScan:
    """A scan with up to `count` nodules."""
    rng = np.random.default_rng([seed, index])
    thorax = draw_thorax(rng, shape, INSIDE, BETWEEN)
    truth, nodules = insert_nodules(rng, thorax, count)
    return DrawnScan(acquire(rng, thorax.hu), truth, nodules)


def acquire(rng: np.random.Generator, hu: Field) -> Field:
    """What a scanner makes of it: blur of the kernel and of the slice's thickness, noise, whole numbers."""
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(hu, (float(rng.uniform(0.2, 0.6)), *(float(rng.uniform(0.35, 0.8)),) * 2))
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    if rng.random() < 0.7:
        noise = ndimage.uniform_filter1d(ndimage.uniform_filter1d(noise, 2, axis=1), 2, axis=2) * np.float32(2)
    return np.asarray(np.clip(np.rint(blurred + noise * np.float32(rng.uniform(6, 40))), -1024, 3071), dtype=np.float32)


def nodule_count(seed: int, index: int, crowded: bool) -> int:
    """Training scans are crowded; a test scan has none (a third) or a few."""
    rng = np.random.default_rng([seed, index, 7])
    if crowded:
        return int(rng.integers(14, MOST_NODULES + 1))
    return 0 if index % 3 == 0 else int(rng.integers(1, 6))


def columns_of(seed: int, crowded: bool, shape: Shape, index: int) -> Mapping[str, Any]:
    """One scan as columns; kinds are indices into `KINDS` by label, -1 where there is no such label."""
    scan = draw_scan(seed, index, nodule_count(seed, index, crowded), shape)
    kinds = np.full(MOST_NODULES + 1, -1, dtype=np.int8)
    for nodule in scan.nodules:
        kinds[nodule.number] = KINDS.index(nodule.kind)
    return {"values": scan.hu.astype(np.int16), "truth": scan.truth, "kinds": kinds}


def scan_series(folder: Path, seed: int, count: int, crowded: bool, shape: Shape = SHAPE) -> Series:
    """A series of drawn scans on disk."""
    columns = (
        Column("values", shape, "int16"),
        Column("truth", shape, "uint8"),
        Column("kinds", (MOST_NODULES + 1,), "int8"),
    )
    return Series(folder, count, columns, functools.partial(columns_of, seed, crowded, shape), chunk=4)


def sample_study(folder: Path, seed: int = 8, count: int = 4, shape: Shape = SHAPE) -> DrawnScan:
    """Write a drawn scan as a real DICOM series for demonstration and tests; returns what is in it."""
    scan = draw_scan(seed, 0, count, shape)
    plan = SeriesPlan(
        f"assay sample ct {seed} {count} {shape}", "CT", "CHEST", (INSIDE, INSIDE, BETWEEN),
        origin=(-(shape[2] - 1) / 2 * INSIDE, -(shape[1] - 1) / 2 * INSIDE, -200.0),
    )  # fmt: skip
    write_series(folder, scan.hu, plan)
    return scan
