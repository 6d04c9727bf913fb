"""Made stacks of slices for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import InstanceHeader
from inference.plugins.segmentation.geometry import stack_of
from inference.plugins.segmentation.slices import AXIAL
from inference.plugins.segmentation.volumes import Grid, Scan


def headers(count: int = 10, distance: float = 2.0, side: int = 40, **changes: Any) -> list[InstanceHeader]:
    """Axial slices from below to above; `changes` are fields of every header."""
    values: dict[str, Any] = {"orientation": AXIAL, "pixel_spacing": (1.0, 1.0), "modality": "CT"}
    return [
        InstanceHeader(
            f"i{n}", "application/dicom", f"sha{n}", side, side, sop_instance_uid=f"1.2.{n}",
            position=(-20.0, -20.0, distance * n), **(values | changes),
        )
        for n in range(count)
    ]  # fmt: skip


def moved(header: InstanceHeader, by: Sequence[float]) -> InstanceHeader:
    assert header.position is not None
    x, y, z = (a + b for a, b in zip(header.position, by, strict=True))
    return replace(header, position=(x, y, z))


def ball(shape: tuple[int, int, int], centre: Sequence[float], radius: float, cell: Sequence[float]) -> NDArray[Any]:
    """Probability of a ball with a soft edge; centre in cells, radius and cell in mm."""
    places = np.indices(shape)
    apart = np.sqrt(sum(((p - c) * m) ** 2 for p, c, m in zip(places, centre, cell, strict=True)))
    return np.asarray(np.clip((radius - apart) / 2 + 0.5, 0, 1), dtype=np.float32)


def scan(values: NDArray[np.float32], between: float = 2.0, distance: float = 2.0, slices: int = 10) -> Scan:
    stack = stack_of(headers(slices, distance, values.shape[1]))
    return Scan(values, stack, Grid(1.0, between))
