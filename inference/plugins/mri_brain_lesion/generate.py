"""T1 scans with known lesions: a real head, turned, warped and recoloured, lesions inserted, as a scanner shows it.

Scan `index` of series `seed` is the same on every machine with the same libraries and the same heads.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import Vector6
from inference.plugins.mri_brain_lesion.brain import normalise
from inference.plugins.mri_brain_lesion.fields import Field
from inference.plugins.mri_brain_lesion.heads import sample_head
from inference.plugins.mri_brain_lesion.lesions import KINDS, Inserted, Tissue, add_vessels, insert_lesions
from inference.plugins.mri_brain_lesion.subjects import Subject, read_subject
from inference.plugins.segmentation.fields import smooth
from inference.plugins.segmentation.samples import Column, Series
from inference.plugins.segmentation.slices import AXIAL, SeriesPlan, write_series
from inference.plugins.segmentation.volumes import along_depth

# slices, rows, columns of a drawn scan, and its spacing in mm
SHAPE = (84, 208, 208)
INSIDE, BETWEEN = 1.0, 2.0
SAGITTAL: Vector6 = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
PLANES = (AXIAL, SAGITTAL, CORONAL)
MOST_LESIONS = 16
STRIPPED_SHARE = 0.35
# heads differ more in shape, contrast and sharpness than the few that are drawn from: hence these wide ranges
STRETCH, TURN_DEGREES, WARP_MM, WARP_KNOTS = (0.85, 1.1), 8.0, (1.0, 4.5), (5, 8)
WHITE, GREY_SHARE, FLUID_SHARE, FAT_SHARE = (0.5, 0.85), (0.6, 0.87), (0.1, 0.45), (1.05, 1.9)
SOFT_SHARE, SOFT_MM = 0.4, (0.4, 1.4)
GRAIN, GRAIN_KNOTS = 0.05, 24
FIELD, NOISE, BLUR = 0.28, (0.005, 0.07), (0.25, 1.0)
THICK = (2.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0)
# normalised values are stored as whole thousandths
SCALE = 1000.0
KNOWN = (Column("truth", SHAPE, "uint8"), Column("kinds", (MOST_LESIONS + 1,), "int8"))
TRAINED = (Column("normal", SHAPE, "int16"), *KNOWN)
HELD = (Column("values", SHAPE, "int16"), Column("plane", (), "int8"), *KNOWN)


@dataclass(frozen=True, slots=True)
class DrawnScan:
    """Stored brightness as a scanner shows it, labels of the lesions, the lesions, and the index of the plane."""

    values: Field
    truth: NDArray[np.uint8]
    lesions: tuple[Inserted, ...]
    plane: int


def draw_scan(subject: Subject, seed: Sequence[int], count: int, plane: int | None = None) -> DrawnScan:
    """A scan of a head with up to `count` lesions, in a random plane unless one is named."""
    rng = np.random.default_rng(seed)
    chosen = int(rng.integers(len(PLANES))) if plane is None else plane
    head = posed(rng, subject, PLANES[chosen])
    distance = float(rng.choice(THICK))
    truth, lesions = insert_lesions(rng, head, count, distance)
    add_vessels(rng, head)
    return DrawnScan(acquire(rng, head, distance), truth, lesions, chosen)


def posed(rng: np.random.Generator, subject: Subject, orientation: Vector6) -> Tissue:
    """The head turned a little, stretched and warped, on the grid of a scan, with other levels of tissue."""
    from scipy import ndimage

    places = head_places(rng, subject, orientation)
    values = ndimage.map_coordinates(subject.values, places, order=1, mode="constant")
    brain = ndimage.map_coordinates(subject.brain.astype(np.uint8), places, order=0, mode="constant") > 0
    white = float(rng.uniform(*WHITE))
    grey, fluid, fat = (white * float(rng.uniform(*share)) for share in (GREY_SHARE, FLUID_SHARE, FAT_SHARE))
    values = np.interp(values, (0, *subject.levels, 1.0), (0, fluid, grey, white, fat)).astype(np.float32)
    values *= 1 + np.float32(rng.uniform(0, GRAIN)) * smooth(rng, SHAPE, GRAIN_KNOTS)
    if rng.random() < SOFT_SHARE:
        width = float(rng.uniform(*SOFT_MM))
        values = ndimage.gaussian_filter(values, (width / BETWEEN, width / INSIDE, width / INSIDE))
    if rng.random() < STRIPPED_SHARE:
        values *= brain
    return Tissue(values, brain, np.array([BETWEEN, INSIDE, INSIDE]), (fluid, grey, white))


def head_places(rng: np.random.Generator, subject: Subject, orientation: Vector6) -> Field:
    """Where in the head's grid each cell of the scan lies (3, slices, rows, columns)."""
    across, down = np.array(orientation[:3]), np.array(orientation[3:])
    # the head's axes point right, front and top; the scan's directions are LPS
    lps_to_head = np.diag([-1.0, -1.0, 1.0])
    axes = np.stack([np.cross(across, down) * BETWEEN, down * INSIDE, across * INSIDE], axis=1)
    mirrored = np.diag([1.0 if rng.random() < 0.5 else -1.0, 1.0, 1.0])
    stretch = np.diag(1 / rng.uniform(*STRETCH, 3))
    matrix = (mirrored @ stretch @ turn(np.radians(rng.normal(0, TURN_DEGREES, 3))) @ lps_to_head @ axes).astype(
        np.float32
    )
    middle = np.argwhere(subject.brain[::4, ::4, ::4]).mean(axis=0) * 4 + rng.normal(0, 5, 3)
    cells = [np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2) for size in SHAPE]
    grid = [cells[0][:, None, None], cells[1][None, :, None], cells[2][None, None, :]]
    warp, knots = float(rng.uniform(*WARP_MM)), int(rng.integers(*WARP_KNOTS))
    return np.stack([
        np.float32(middle[n]) + sum(matrix[n, m] * grid[m] for m in range(3)) + warp * smooth(rng, SHAPE, knots)
        for n in range(3)
    ])  # fmt: skip


def turn(angles: Field) -> Field:
    """Rotation by three angles (rad) about the axes."""
    (a, b, c), (d, e, f) = np.cos(angles), np.sin(angles)
    first = np.array([[1, 0, 0], [0, a, -d], [0, d, a]])
    second = np.array([[b, 0, e], [0, 1, 0], [-e, 0, b]])
    third = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return np.asarray(first @ second @ third)


def acquire(rng: np.random.Generator, head: Tissue, distance: float) -> Field:
    """What a scanner makes of it: slices this far apart (mm) and as thick, blur, coil, Rician noise, whole numbers."""
    from scipy import ndimage

    step = distance / BETWEEN
    values = np.asarray(head.values, dtype=np.float32)
    if step > 1:
        planes = along_depth(values, int((len(values) - 1) / step) + 1, step)
        values = along_depth(planes, len(values), 1 / step)
    width = float(rng.uniform(*BLUR))
    values = ndimage.gaussian_filter(values, (0.2, width, width))
    values = values * np.exp(np.float32(rng.uniform(0, FIELD)) * smooth(rng, SHAPE, 3))
    noise = np.float32(head.levels[2] * rng.uniform(*NOISE))
    real, imaginary = (rng.standard_normal(SHAPE, dtype=np.float32) * noise for _ in range(2))
    unit = float(np.exp(rng.uniform(np.log(150), np.log(3000))))
    return np.asarray(np.clip(np.rint(np.hypot(values + real, imaginary) * np.float32(unit)), 0, 32767))


def lesion_count(seed: int, index: int, crowded: bool) -> int:
    """Training scans are crowded; a test scan has none (a third) or a few."""
    rng = np.random.default_rng([seed, index, 7])
    if crowded:
        return int(rng.integers(8, MOST_LESIONS + 1))
    return 0 if index % 3 == 0 else int(rng.integers(1, 6))


def columns_of(paths: tuple[Path, ...], seed: int, crowded: bool, index: int) -> Mapping[str, Any]:
    """One scan as columns; kinds are indices into `KINDS` by label, -1 where there is no such label."""
    subject = read_subject(paths[index % len(paths)])
    scan = draw_scan(subject, [seed, index], lesion_count(seed, index, crowded))
    kinds = np.full(MOST_LESIONS + 1, -1, dtype=np.int8)
    for lesion in scan.lesions:
        kinds[lesion.number] = KINDS.index(lesion.kind)
    if crowded:
        return {"normal": np.rint(normalise(scan.values) * SCALE), "truth": scan.truth, "kinds": kinds}
    return {"values": scan.values, "plane": scan.plane, "truth": scan.truth, "kinds": kinds}


def scan_series(folder: Path, paths: tuple[Path, ...], seed: int, count: int, crowded: bool) -> Series:
    """Scans on disk: normalised and crowded for training, as stored and sparse for measuring."""
    draw = functools.partial(columns_of, paths, seed, crowded)
    return Series(folder, count, TRAINED if crowded else HELD, draw, chunk=4)


def sample_study(folder: Path, seed: int = 5, count: int = 3, plane: int = 0) -> DrawnScan:
    """Write a scan of the head that comes with the product as a real DICOM series; returns what is in it."""
    scan = draw_scan(sample_head(), [seed], count, plane)
    orientation = PLANES[plane]
    normal = np.cross(orientation[:3], orientation[3:])
    spacing = (BETWEEN, INSIDE, INSIDE)
    ways = (normal, np.array(orientation[3:]), np.array(orientation[:3]))
    corner = sum(-way * step * (size - 1) / 2 for way, step, size in zip(ways, spacing, SHAPE, strict=True))
    x, y, z = (float(value) for value in np.asarray(corner))
    plan = SeriesPlan(
        f"assay sample mr {seed} {count} {plane}", "MR", "HEAD", (INSIDE, INSIDE, BETWEEN), (x, y, z), orientation,
        intercept=0.0, description="T1, made by Assay, no patient",
    )  # fmt: skip
    write_series(folder, scan.values, plan)
    return scan
