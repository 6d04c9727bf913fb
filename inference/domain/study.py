"""What a plugin is told about its input: headers only, no bytes, no patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

StudyKind = Literal["dicom", "image"]
Vector2 = tuple[float, float]
Vector3 = tuple[float, float, float]
Vector6 = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One image file. Lengths are in mm, `None` where the header is silent or invalid (zero counts as invalid).

    `pixel_spacing` is (between rows, between columns) as DICOM gives it; `orientation` and `position` are in LPS.
    """

    id: str
    media_type: str
    sha256: str
    rows: int
    columns: int
    frames: int = 1
    samples_per_pixel: int = 1
    bits_stored: int = 8
    photometric: str = "MONOCHROME2"
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    modality: str = ""
    body_part: str = ""
    view_position: str = ""
    image_type: tuple[str, ...] = ()
    instance_number: int | None = None
    pixel_spacing: Vector2 | None = None
    imager_pixel_spacing: Vector2 | None = None
    orientation: Vector6 | None = None
    position: Vector3 | None = None
    slice_thickness: float | None = None
    window: Vector2 | None = None
    study_description: str = ""
    series_description: str = ""
    protocol_name: str = ""


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """The instances of one series, in order of position where positions are known, else of instance number."""

    id: str
    series_uid: str
    modality: str
    description: str
    instances: tuple[InstanceHeader, ...]


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """One study: a DICOM study, or loose PNG and JPEG images as one series."""

    id: str
    kind: StudyKind
    study_uid: str
    modality: str
    body_part: str
    series: tuple[SeriesHeader, ...]

    @property
    def instances(self) -> tuple[InstanceHeader, ...]:
        return tuple(instance for series in self.series for instance in series.instances)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a job hands to its plugin: a study, or a small inline `input`, and the checked parameters."""

    study: StudyHeader | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    inline: Mapping[str, object] | None = None


PixelReader = Callable[[InstanceHeader], NDArray[np.float32]]
"""Reads one instance's pixels as float32: (rows, columns), (frames, rows, columns) or, for colour, (rows, columns, 3).

Rescale slope and intercept are applied (HU for CT); MONOCHROME1 is NOT inverted, colour is RGB.
Raises `UnreadableFile` where the decoder refuses the bytes.
"""
