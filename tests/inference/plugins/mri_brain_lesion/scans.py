"""Made head MR for the tests: the sample study that the product offers, and a head without lesions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import Inputs, InstanceHeader, PixelReader, SeriesHeader, StudyHeader
from inference.plugins.mri_brain_lesion.generate import BETWEEN, INSIDE, PLANES, DrawnScan, draw_scan
from inference.plugins.mri_brain_lesion.heads import sample_head

SEED, LESIONS = 5, 3


@functools.cache
def sample_scan(plane: int = 0) -> DrawnScan:
    """The scan of the sample study."""
    return draw_scan(sample_head(), [SEED], LESIONS, plane)


@functools.cache
def normal_scan() -> DrawnScan:
    """A scan without lesions."""
    return draw_scan(sample_head(), [21], 0, 0)


def inputs_of(values: NDArray[Any], plane: int = 0, **changes: Any) -> tuple[Inputs, PixelReader]:
    """A volume as one series of a study; `changes` are fields of every header."""
    depth, rows, columns = values.shape
    fields: dict[str, Any] = {
        "orientation": PLANES[plane], "pixel_spacing": (INSIDE, INSIDE), "modality": "MR", "body_part": "HEAD",
        "series_description": "t1 mprage",
    }  # fmt: skip
    normal = np.cross(PLANES[plane][:3], PLANES[plane][3:])
    headers = tuple(
        InstanceHeader(
            f"s{n}", "application/dicom", f"sha{n}", rows, columns, sop_instance_uid=f"1.2.3.{n}",
            position=tuple((normal * BETWEEN * n).tolist()), **(fields | changes),
        )
        for n in range(depth)
    )  # fmt: skip
    series = SeriesHeader("series", "1.2.3", "MR", "", headers)
    study = StudyHeader("study", "dicom", "1.2", "MR", str((fields | changes)["body_part"]), (series,))
    return Inputs(study=study), lambda header: np.asarray(values[int(header.id[1:])], dtype=np.float32)
