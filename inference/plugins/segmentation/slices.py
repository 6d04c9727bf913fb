"""Real DICOM series made from a volume: samples for demonstration and tests, with a plain header and no patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import Vector3, Vector6
from inference.plugins.segmentation.identity import uid_of

AXIAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CT_CLASS, MR_CLASS = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What a made series says of itself. `spacing` is mm between rows, columns and slices; `origin` is LPS.

    Stored value = (value - `intercept`) / `slope`. `extra` are further DICOM attributes by keyword.
    """

    name: str
    modality: str
    body_part: str
    spacing: Vector3
    origin: Vector3 = (0.0, 0.0, 0.0)
    orientation: Vector6 = AXIAL
    intercept: float = -1024.0
    slope: float = 1.0
    description: str = "Made by Assay, no patient"
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_series(folder: Path, values: NDArray[np.float32], plan: SeriesPlan) -> list[Path]:
    """Write a volume (slices, rows, columns) as one file per slice; returns the paths in order of the slices."""
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(plan.orientation[:3], plan.orientation[3:])
    paths = []
    for number, plane in enumerate(values):
        position = np.array(plan.origin) + normal * number * plan.spacing[2]
        path = folder / f"slice{number + 1:04}.dcm"
        slice_dataset(plane, number + 1, tuple(position.tolist()), plan).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def slice_dataset(plane: NDArray[np.float32], number: int, position: Vector3, plan: SeriesPlan) -> Any:
    """One slice as a pydicom data set."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    stored = np.clip(np.rint((plane - plan.intercept) / plan.slope), -32768, 32767).astype("<i2")
    made = Dataset()
    for keyword, value in {**attributes(number, position, plan), **plan.extra}.items():
        setattr(made, keyword, value)
    made.Rows, made.Columns = stored.shape
    made.PixelData = stored.tobytes()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def attributes(number: int, position: Vector3, plan: SeriesPlan) -> dict[str, Any]:
    """The header of one slice but its pixels."""
    return {
        "SOPClassUID": CT_CLASS if plan.modality == "CT" else MR_CLASS,
        "SOPInstanceUID": uid_of(f"{plan.name}/{number}"),
        "StudyInstanceUID": uid_of(plan.name),
        "SeriesInstanceUID": uid_of(f"{plan.name}/series"),
        "FrameOfReferenceUID": uid_of(f"{plan.name}/frame"),
        "Modality": plan.modality,
        "PatientName": "Sample^Made",
        "PatientID": "ASSAY-SAMPLE",
        "StudyID": "1",
        "SeriesNumber": 1,
        "InstanceNumber": number,
        "BodyPartExamined": plan.body_part,
        "SeriesDescription": plan.description,
        "ImageType": ["DERIVED", "SECONDARY", "AXIAL"],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelSpacing": [plan.spacing[0], plan.spacing[1]],
        "SliceThickness": plan.spacing[2],
        "ImagePositionPatient": [round(value, 4) for value in position],
        "ImageOrientationPatient": list(plan.orientation),
        "RescaleIntercept": plan.intercept,
        "RescaleSlope": plan.slope,
    }
