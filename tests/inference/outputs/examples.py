"""Studies and readings for the outputs: a real film, drawn films, a CT and an MR series, and what was found in them."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
)

from inference.domain.reading import Addendum, ReadFinding, Reading, Signature
from inference.domain.report import Code, Contour, Finding, InstanceReference, Location, Site, Size
from inference.domain.study import SeriesHeader, StudyHeader
from inference.intake import attributes as child
from inference.intake.inspection import instance_header
from inference.intake.limits import Limits
from inference.outputs.attributes import ATTRIBUTES
from inference.outputs.material import Analysis, Material, Picture
from inference.outputs.source import Source, original
from ops.samples import chest_film

FOUND_AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SIGNED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ROOT = "1.2.826.0.1.3680043.10.999"
AXIAL = [1, 0, 0, 0, 1, 0]
CORONAL_TILTED = [1, 0, 0, 0, 0.258819, -0.965926]
NODULE = Code("27925004", "SCT", "Nodule", "opacity.nodule")
LUNG = Site("3341006", "SCT", "Right lung, upper zone", "R")


def file_of(**values: Any) -> bytes:
    """One small image that another program's validator has nothing against."""
    made = FileDataset("", {}, preamble=bytes(128), file_meta=FileMetaDataset())
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    common = {
        "SpecificCharacterSet": "ISO_IR 192", "PatientName": "王^小东", "PatientID": "P-77",
        "PatientBirthDate": "19700101", "PatientSex": "O", "StudyDate": "20260228", "StudyTime": "101500",
        "AccessionNumber": "A-1", "StudyID": "1", "ReferringPhysicianName": "Doe^Jane", "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 0,
    }  # fmt: skip
    for name, value in {**common, **values}.items():
        if value is not None:
            setattr(made, name, value)
    made.PixelData = np.zeros((made.Rows, made.Columns), np.uint16).tobytes()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = (
        made.SOPClassUID,
        made.SOPInstanceUID,
    )
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def drawn_film(number: int = 1, **changes: Any) -> bytes:
    """A digital radiograph: a spacing at the receptor, and no place in the patient."""
    values = {
        "SOPClassUID": DigitalXRayImageStorageForPresentation, "SOPInstanceUID": f"{ROOT}.1.3.{number}",
        "StudyInstanceUID": f"{ROOT}.1.1", "SeriesInstanceUID": f"{ROOT}.1.2", "Modality": "DX",
        "BodyPartExamined": "CHEST", "Rows": 120, "Columns": 100 + 10 * number, "InstanceNumber": number,
        "ImagerPixelSpacing": [0.2, 0.2], "PatientOrientation": ["L", "F"],
    }  # fmt: skip
    return file_of(**{**values, **changes})


def slices(modality: str, count: int = 12, **changes: Any) -> list[bytes]:
    """A series of slices with pixels that are not square; MR is coronal and tilted."""
    is_ct = modality == "CT"
    orientation = AXIAL if is_ct else CORONAL_TILTED
    start, step = np.array([-30.5, -40.25, 12.0]), np.cross(orientation[:3], orientation[3:]) * 2.5
    values = {
        "SOPClassUID": CTImageStorage if is_ct else MRImageStorage, "StudyInstanceUID": f"{ROOT}.{is_ct:d}.4",
        "SeriesInstanceUID": f"{ROOT}.{is_ct:d}.5", "FrameOfReferenceUID": f"{ROOT}.{is_ct:d}.6", "Modality": modality,
        "BodyPartExamined": "CHEST" if is_ct else "HEAD", "Rows": 64, "Columns": 80, "PixelSpacing": [0.9, 0.7],
        "SliceThickness": 2.5, "ImageOrientationPatient": orientation, "PositionReferenceIndicator": "",
    }  # fmt: skip
    return [
        file_of(**{
            **values, "SOPInstanceUID": f"{ROOT}.{is_ct:d}.7.{number + 1}", "InstanceNumber": number + 1,
            "ImagePositionPatient": [round(float(x), 4) for x in start + step * number],
            **changes,
        })
        for number in range(count)
    ]  # fmt: skip


def real_film() -> list[bytes]:
    """The real chest radiograph of the demo."""
    return [Path(chest_film()).read_bytes()]


EXAMPLES = {
    "real film": lambda: real_film(),
    "drawn films": lambda: [drawn_film(1), drawn_film(2)],
    "CT": lambda: slices("CT"),
    "MR": lambda: slices("MR"),
}


def source_of(files: list[bytes]) -> Source:
    """The files as the product reads them, without a database."""
    limits, headers, images, uids = Limits(), [], {}, ("", "")
    for number, content in enumerate(files):
        reply = child.attributes(io.BytesIO(content), limits, None, {"names": list(ATTRIBUTES)})  # type: ignore[arg-type]
        images[f"i{number}"] = original(reply)
        header = dcmread(io.BytesIO(content), stop_before_pixels=True)
        uids = (str(header.StudyInstanceUID), str(header.SeriesInstanceUID))
        fields = {
            "media_type": "application/dicom", "rows": header.Rows, "columns": header.Columns,
            "sop_class_uid": str(header.SOPClassUID), "sop_instance_uid": str(header.SOPInstanceUID),
        }  # fmt: skip
        headers.append(instance_header(f"i{number}", "0" * 64, fields))
    modality = str(images["i0"].Modality)
    series = SeriesHeader("s", uids[1], modality, "", tuple(headers))
    return Source(StudyHeader("s", "dicom", uids[0], modality, "", (series,)), images)


def circle(x: float, y: float, radius: float, count: int = 32) -> tuple[tuple[float, float], ...]:
    """An outline in pixels."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return tuple((round(x + radius * np.cos(a), 2), round(y + radius * np.sin(a), 2)) for a in angles.tolist())


def finding(source: Source, number: int, *, x: float = 40.0, y: float = 30.0, radius: float = 9.0) -> Finding:
    """A ball: on slices one outline each, smaller away from the middle; on films one outline on the film `number`."""
    names = list(source.images)
    middle, reach = (len(names) // 2, 3) if len(names) > 4 else ((number - 1) % len(names), 0)
    radii = {
        k: radius * np.sqrt(1 - ((k - middle) / (reach + 1)) ** 2) for k in range(middle - reach, middle + reach + 1)
    }
    contours = tuple(Contour(names[k], 1, circle(x, y, float(r))) for k, r in radii.items())
    references = tuple(
        InstanceReference(str(source.images[names[k]].SOPInstanceUID), 1, k == middle, names[k]) for k in radii
    )
    box = (x - radius, y - radius, x + radius + 1, y + radius + 1)
    place = Location(LUNG, (x, y), box, instances=references)
    size = Size(2 * radius, 2 * radius, 12.25, 10.5, 11.38, 101.5, 890.1 if reach else None, "PixelSpacing")
    return Finding(f"2.25.{1000 + number}", NODULE, 0.87654, place, size, contours=contours)


ANALYSIS = Analysis(
    result_id=uuid.UUID("01900000-0000-7000-8000-000000000007"), slug="ct-lung-nodule", version="1.0.0",
    title="Chest CT: nodules of the lungs, each with place, outline and size", weights_sha256="ab" * 32,
    disclaimer="Not a medical device.", notes=("Sides assume the usual display.",), found_at=FOUND_AT,
)  # fmt: skip


def read(*findings: Finding) -> Reading:
    """As the model left it."""
    return Reading(
        tuple(ReadFinding(f"fnd_{number}", number, one, machine=one) for number, one in enumerate(findings, 1))
    )


def signed(reading: Reading, *, addendum: str = "") -> Reading:
    """Accepted and signed by a person."""
    addenda = (Addendum("Dr. Li", addendum, SIGNED_AT),) if addendum else ()
    return replace(
        reading, conclusion="One nodule; control in three months.", signature=Signature("Dr. 李^娜", SIGNED_AT),
        addenda=addenda, revision=1 + len(addenda),
        findings=tuple(replace(one, status="accepted") for one in reading.findings),
    )  # fmt: skip


def png(width: int = 60, height: int = 40) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(file, "PNG")
    return file.getvalue()


def material(name: str, *findings: int, reading: Reading | None = None) -> Material:
    """An example with so many findings as numbers are given."""
    source = source_of(EXAMPLES[name]())
    found = reading or read(*(finding(source, number, x=25.0 + 22 * k) for k, number in enumerate(findings)))
    pictures = tuple(Picture(one, png()) for one in list(source.images)[:2])
    return Material(ANALYSIS, source, found, pictures=pictures, document=b"%PDF-1.7 a report")
