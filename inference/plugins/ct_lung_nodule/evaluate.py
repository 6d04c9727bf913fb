"""Volumes that are no chest CT, for the figures of the familiarity gate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SLICES, SIDE, VOLUMES = 6, 160, 24


def strange_volumes() -> Iterator[NDArray[np.float32]]:
    """Small volumes in HU that no one would take for lungs: noise, heads drawn as shells, organs, coarse noise."""
    from scipy import ndimage

    shape = (SLICES, SIDE, SIDE)
    rows, columns = np.mgrid[-1:1:160j, -1:1:160j].astype(np.float32)
    for number in range(VOLUMES):
        rng = np.random.default_rng([77, number])
        noise = rng.standard_normal(shape).astype(np.float32)
        radius = np.hypot(rows * rng.uniform(0.9, 1.4), columns * rng.uniform(0.9, 1.4))
        shell = np.where(radius < 0.75, 35.0, np.where(radius < 0.85, 900.0, -1000.0)) + noise * 8
        organs = np.where(radius < 0.9, 60 + 80 * ndimage.gaussian_filter(noise, (1, 9, 9)) * 30, -1000) + noise * 15
        coarse = ndimage.gaussian_filter(noise, (0.5, 2, 2)) * 2500 - 300
        kinds = (noise * 400 - 300, shell, organs, coarse)
        yield np.asarray(kinds[number % len(kinds)], dtype=np.float32)
