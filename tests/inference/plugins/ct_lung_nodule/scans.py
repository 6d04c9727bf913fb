"""Made chest CT for the tests: small drawn scans, and the sample study that the product offers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import Inputs, InstanceHeader, PixelReader, SeriesHeader, StudyHeader
from inference.plugins.ct_lung_nodule.generate import BETWEEN, INSIDE, DrawnScan, draw_scan
from inference.plugins.segmentation.slices import AXIAL

SEED, NODULES = 8, 4


@functools.cache
def sample_scan() -> DrawnScan:
    """The scan of the sample study."""
    return draw_scan(SEED, 0, NODULES)


@functools.cache
def normal_scan() -> DrawnScan:
    """A scan without nodules."""
    return draw_scan(21, 0, 0)


def inputs_of(hu: NDArray[Any], **changes: Any) -> tuple[Inputs, PixelReader]:
    """A volume as one series of a study; `changes` are fields of every header."""
    depth, rows, columns = hu.shape
    values: dict[str, Any] = {
        "orientation": AXIAL, "pixel_spacing": (INSIDE, INSIDE), "modality": "CT", "body_part": "CHEST",
    }  # fmt: skip
    headers = tuple(
        InstanceHeader(
            f"s{n}", "application/dicom", f"sha{n}", rows, columns, sop_instance_uid=f"1.2.3.{n}",
            position=(-150.0, -120.0, BETWEEN * n), **(values | changes),
        )
        for n in range(depth)
    )  # fmt: skip
    series = SeriesHeader("series", "1.2.3", "CT", "", headers)
    study = StudyHeader("study", "dicom", "1.2", "CT", str((values | changes)["body_part"]), (series,))
    return Inputs(study=study), lambda header: np.asarray(hu[int(header.id[1:])], dtype=np.float32)
