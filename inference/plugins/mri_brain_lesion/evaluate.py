"""What the brain MR analysis makes of things that are no T1 of a head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.plugins.mri_brain_lesion.generate import PLANES
from inference.plugins.segmentation.evaluate import drawn_scan
from inference.plugins.segmentation.figures import share
from inference.plugins.segmentation.samples import Arrays
from inference.plugins.segmentation.scans import ScanPlugin
from inference.plugins.segmentation.volumes import Scan

SLICES, SIDE, VOLUMES = 8, 160, 16


def is_refused(plugin: ScanPlugin, scan: Scan) -> bool:
    """Whether any step after the headers refuses a scan: no brain, not the contrast of T1, or not familiar."""
    try:
        sample = plugin.sample_of(scan)
        plugin.require_familiar(plugin.predict([sample])[0])
    except UnsupportedInput:
        return True
    return False


def refusals(plugin: ScanPlugin, heads: Arrays, most: int) -> dict[str, float]:
    """Shares of refused scans: of volumes that are no heads, and of the first `most` heads with the contrast of T2."""
    grid = plugin.settings.grid
    strangers = [is_refused(plugin, drawn_scan(one.repeat(4, axis=0), grid)) for one in strange_volumes()]
    others = [
        is_refused(plugin, drawn_scan(inverted(np.asarray(values, dtype=np.float32)), grid, PLANES[int(plane)]))
        for values, plane in zip(heads["values"][:most], heads["plane"][:most], strict=True)
    ]
    return {
        "strangers_refused": share(sum(strangers), len(strangers)),
        "contrast_of_t2_refused": share(sum(others), len(others)),
    }


def inverted(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fluid bright and white matter dark, air still black: about what T2 makes of a head."""
    top = np.float32(np.percentile(values, 99))
    return np.asarray(np.where(values > 0.12 * top, np.clip(1.25 * top - values, 0.05 * top, None), values))


def strange_volumes() -> Iterator[NDArray[np.float32]]:
    """Small volumes that no one would take for a head."""
    from scipy import ndimage

    shape = (SLICES, SIDE, SIDE)
    rows, columns = np.mgrid[-1:1:160j, -1:1:160j].astype(np.float32)
    for number in range(VOLUMES):
        rng = np.random.default_rng([78, number])
        noise = rng.standard_normal(shape).astype(np.float32)
        radius = np.hypot(rows * rng.uniform(0.9, 1.6), columns * rng.uniform(0.9, 1.6))
        organs = np.where(radius < 0.9, 300 + 900 * ndimage.gaussian_filter(noise, (1, 9, 9)) * 3, 5) + noise * 15
        bone = np.where(radius < 0.3, 700.0, np.where(radius < 0.36, 60.0, 300.0)) * (radius < 0.9) + noise * 10
        coarse = ndimage.gaussian_filter(noise, (0.5, 2, 2)) * 900 + 300
        yield np.clip((noise * 200 + 500, organs, bone, coarse)[number % 4], 0, None).astype(np.float32)
