"""The studies of the bench: the real film, and drawn scans at the sizes that clinics send."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.domain.study import Vector3
from inference.plugins.ct_lung_nodule import generate as ct
from inference.plugins.mri_brain_lesion import generate as mri
from inference.plugins.mri_brain_lesion.heads import sample_head
from inference.plugins.segmentation.slices import SeriesPlan, write_series
from ops.samples import chest_film
from tests.bench.__main__ import picture

Volume = NDArray[np.float32]
PLUGINS = {"xray": "xray-chest-nodule", "ct": "ct-lung-nodule", "mri": "mri-brain-lesion"}
CT_EDGE, MRI_EDGE = 512, 256


def plugin_of(case: str) -> str:
    return PLUGINS[case.partition("-")[0]]


def draw(case: str, folder: Path) -> dict[str, Any]:
    """Write the files of a study; how many there are, and of how many bytes."""
    folder.mkdir(parents=True)
    kind, _, size = case.partition("-")
    DRAWN[kind](folder, size)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return {"files": len(sizes), "bytes": sum(sizes)}


def film(folder: Path, size: str) -> None:
    """The real film: as it was stored, or as a picture of a quarter of its edges."""
    if size == "large":
        shutil.copy(chest_film(), folder)
    else:
        (folder / "film.png").write_bytes(picture("xray-chest-nodule", 1))


def chest(folder: Path, size: str) -> None:
    scan = squared(ct.draw_scan(8, 0, 4).hu, -1000.0)
    spacing = spacing_of(scan, ct.INSIDE, ct.BETWEEN, int(size), CT_EDGE)
    plan = SeriesPlan(f"bench ct {size}", "CT", "CHEST", spacing)
    write_series(folder, resampled(scan, int(size), CT_EDGE), plan)


def head(folder: Path, size: str) -> None:
    scan = mri.draw_scan(sample_head(), [5], 3, 0).values
    spacing = spacing_of(scan, mri.INSIDE, mri.BETWEEN, int(size), MRI_EDGE)
    plan = SeriesPlan(f"bench mr {size}", "MR", "HEAD", spacing, intercept=0.0, description="T1 drawn for the bench")
    write_series(folder, resampled(scan, int(size), MRI_EDGE), plan)


DRAWN: dict[str, Callable[[Path, str], None]] = {"xray": film, "ct": chest, "mri": head}


def spacing_of(scan: Volume, inside: float, between: float, slices: int, edge: int) -> Vector3:
    """mm, of so many digits that they fit DICOM's decimal string."""
    across = round(inside * scan.shape[1] / edge, 6)
    return across, across, round(between * (len(scan) - 1) / (slices - 1), 6)


def squared(values: Volume, outside: float) -> Volume:
    """As many rows as columns, with `outside` above and below."""
    missing = values.shape[2] - values.shape[1]
    return np.pad(values, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)), constant_values=outside)


def resampled(values: Volume, slices: int, edge: int) -> Volume:
    """Linear, to another count of slices and another edge."""
    places = np.linspace(0, len(values) - 1, slices)
    below = np.minimum(places.astype(int), len(values) - 2)
    return np.stack(
        [plane(values[low], values[low + 1], at - low, edge) for low, at in zip(below, places, strict=True)]
    )


def plane(one: Volume, other: Volume, share: float, edge: int) -> Volume:
    between = np.asarray(one * (1 - share) + other * share, dtype=np.float32)
    return np.asarray(Image.fromarray(between).resize((edge, edge), Image.Resampling.BILINEAR), dtype=np.float32)
