"""Heads that training inserts lesions into: T1 volumes in NIfTI-1, 1 mm, read without a further library.

Heads to train on and heads that are held out lie in two folders. Without `--backgrounds` they are taken from where
packages put them: Colin27 of Debian's `mricron-data` to train on, the MNI152 average of the wheel `nilearn` held out.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnreadableFile, UnsupportedInput
from inference.plugins.mri_brain_lesion.brain import brain_mask
from inference.plugins.segmentation.packages import package_folder

TRAINING, HELD_OUT = "training", "held-out"
COLIN = Path("/usr/share/mricron/templates/ch2.nii.gz")
MNI = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 512: "u2"}
HEADER_BYTES = 348
# darker cells inside the brain are the black that a stripped head is set in
DARKEST = 0.05
NO_HEADS = (
    "Training needs T1 heads in NIfTI-1: --backgrounds DIR with the folders training and held-out, or the packages "
    "mricron-data (Debian) and nilearn (PyPI)."
)

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Subject:
    """A head (x, y, z towards right, front and top, 1 mm), its brain, levels of fluid, grey and white matter."""

    name: str
    values: Field
    brain: NDArray[np.bool_]
    levels: tuple[float, float, float]


def head_files(backgrounds: Path | None) -> dict[str, tuple[Path, ...]]:
    """The files to train on and those held out, by folder name. Raises `UnsupportedInput` where one kind is missing."""
    found = installed() if backgrounds is None else {part: listed(backgrounds / part) for part in (TRAINING, HELD_OUT)}
    if not all(found.values()):
        raise UnsupportedInput(NO_HEADS)
    return found


def listed(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted([*folder.glob("*.nii"), *folder.glob("*.nii.gz")]))


def installed() -> dict[str, tuple[Path, ...]]:
    folder = package_folder("nilearn")
    mni = (folder / MNI,) if folder else ()
    return {TRAINING: tuple(p for p in (COLIN,) if p.exists()), HELD_OUT: tuple(p for p in mni if p.exists())}


@lru_cache(maxsize=4)
def read_subject(path: Path) -> Subject:
    """Read a head and find its brain and tissue levels."""
    return subject_of(path.name.split(".")[0], read_nifti(path))


def subject_of(name: str, values: Field) -> Subject:
    """From values on the grid of a `Subject`."""
    scaled = values / np.float32(max(float(np.percentile(values, 99.8)), 1e-6))
    # the mask is found on the model's grid: slices 2 mm apart
    slabs = np.moveaxis(scaled, 2, 0)
    even = (slabs[: len(slabs) // 2 * 2 : 2] + slabs[1::2][: len(slabs) // 2]) / 2
    brain = np.zeros(slabs.shape, dtype=bool)
    brain[: 2 * len(even)] = brain_mask(even.astype(np.float32)).repeat(2, axis=0)
    brain = np.moveaxis(brain, 0, 2)
    return Subject(name, scaled, brain, tissue_levels(scaled[brain & (scaled > DARKEST)]))


def read_nifti(path: Path) -> Field:
    """Values (x, y, z) towards right, front and top. Raises `UnreadableFile`, or `UnsupportedInput` for other grids."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    if len(raw) < HEADER_BYTES + 4 or struct.unpack("<i", raw[:4])[0] != HEADER_BYTES or raw[344:347] != b"n+1":
        raise UnreadableFile("%(name)s is no NIfTI-1 file.", name=path.name)
    shape = struct.unpack("<8h", raw[40:56])[1:4]
    (kind,), (offset,) = struct.unpack("<h", raw[70:72]), struct.unpack("<f", raw[108:112])
    affine = np.array(struct.unpack("<12f", raw[280:328])).reshape(3, 4)[:, :3]
    if kind not in DTYPES or np.abs(np.abs(affine) - np.eye(3)).max() > 0.01:
        raise UnsupportedInput("%(name)s is not on a grid of 1 mm along the axes of the body.", name=path.name)
    count = int(np.prod(shape))
    stored = np.frombuffer(raw, "<" + DTYPES[kind], count, int(offset)).reshape(shape, order="F").astype(np.float32)
    return np.ascontiguousarray(stored[tuple(slice(None, None, int(np.sign(affine[n, n]))) for n in range(3))])


def tissue_levels(inside: Field) -> tuple[float, float, float]:
    """Means of three classes of brightness by Lloyd's iteration: fluid, grey matter, white matter."""
    sample = inside[:: max(1, len(inside) // 50_000)]
    centres = np.percentile(sample, (5, 40, 85))
    for _ in range(30):
        nearest = np.abs(sample[:, None] - centres[None]).argmin(axis=1)
        centres = np.array([sample[nearest == n].mean() if (nearest == n).any() else centres[n] for n in range(3)])
    fluid, grey, white = (float(value) for value in centres)
    return fluid, grey, white
