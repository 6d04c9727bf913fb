"""What an output takes over from the header of an original: one table of attributes with the check of each.

A header is a stranger's: what does not have the form that the standard gives it is left out (DICOM PS3.5, 6.2).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from pydicom.dataset import Dataset

UID = re.compile(r"[0-9]+(\.[0-9]+)+")
CODE = re.compile(r"[A-Z0-9 _]{1,16}")
TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
DECIMAL_CHARS = 16
# what direction cosines may be off by
SKEW = 0.01

Check = Callable[[str], str | int | list[str] | None]


def uid(text: str) -> str | None:
    return text if len(text) <= 64 and UID.fullmatch(text) else None


def line(most: int) -> Check:
    """One line of text; of several values the first."""
    return lambda text: (found if len(found := text.partition("\\")[0].strip()) <= most else None) or None


def person(text: str) -> str | None:
    """A name of up to three groups of up to 64 characters."""
    name = text.partition("\\")[0]
    groups = name.split("=")
    fits = len(groups) <= 3 and all(len(group) <= 64 and group.count("^") <= 4 for group in groups)
    return name if fits and name.strip("^= ") else None


def date(text: str) -> str | None:
    try:
        datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 a date has no zone
    except ValueError:
        return None
    return text if len(text) == 8 else None


def time(text: str) -> str | None:
    return text if TIME.fullmatch(text) else None


def code(text: str) -> str | None:
    return text if CODE.fullmatch(text) else None


def one_of(*allowed: str) -> Check:
    return lambda text: text if text in allowed else None


def whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def decimals(count: int, *, above: float = -math.inf) -> Check:
    """So many finite numbers, each above a bound."""

    def check(text: str) -> list[str] | None:
        parts = text.split("\\")
        fits = len(parts) == count and all(len(part) <= DECIMAL_CHARS for part in parts)
        try:
            return parts if fits and all(above < float(part) < math.inf for part in parts) else None
        except ValueError:
            return None

    return check


def orientation(text: str) -> list[str] | None:
    """Two directions of length one at right angles: rows and columns of anything else are no plane."""
    parts = decimals(6)(text)
    if not isinstance(parts, list):
        return None
    row, column = [float(part) for part in parts[:3]], [float(part) for part in parts[3:]]
    lengths = (math.hypot(*row), math.hypot(*column))
    across = sum(one * other for one, other in zip(row, column, strict=True))
    is_plane = all(abs(length - 1) < SKEW for length in lengths) and abs(across) < SKEW
    return parts if is_plane else None


def directions(text: str) -> list[str] | None:
    """Where rows and columns lead to, such as L and F."""
    parts = text.split("\\")
    return parts if len(parts) == 2 and all(re.fullmatch(r"[ARLHFP]{1,3}", part) for part in parts) else None


# copied, so that an archive files the output where the original lies; a re-identified output has the original's
PATIENT_AND_STUDY: dict[str, Check] = {
    "PatientName": person,
    "PatientID": line(64),
    "IssuerOfPatientID": line(64),
    "PatientBirthDate": date,
    "PatientSex": one_of("M", "F", "O"),
    "StudyDate": date,
    "StudyTime": time,
    "StudyID": line(16),
    "StudyDescription": line(64),
    "AccessionNumber": line(16),
    "ReferringPhysicianName": person,
}
ATTRIBUTES: dict[str, Check] = {
    **PATIENT_AND_STUDY,
    # which image it is
    "StudyInstanceUID": uid,
    "SOPClassUID": uid,
    "SOPInstanceUID": uid,
    "SeriesInstanceUID": uid,
    "Modality": code,
    "BodyPartExamined": code,
    "Laterality": one_of("R", "L"),
    "InstanceNumber": whole,
    "Rows": whole,
    "Columns": whole,
    "NumberOfFrames": whole,
    "LossyImageCompression": one_of("00", "01"),
    "LossyImageCompressionRatio": decimals(1, above=0),
    "LossyImageCompressionMethod": code,
    # where it lies
    "PatientOrientation": directions,
    "FrameOfReferenceUID": uid,
    "PositionReferenceIndicator": line(64),
    "ImagePositionPatient": decimals(3),
    "ImageOrientationPatient": orientation,
    "PixelSpacing": decimals(2, above=0),
    "SliceThickness": decimals(1, above=0),
    "SpacingBetweenSlices": decimals(1, above=0),
}
# of these the standard wants the element, empty where the value is not known
MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
GEOMETRY = ("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")


def checked(values: Mapping[object, object]) -> Dataset:
    """The valid ones of `values` as a data set; empty elements for those that every object has."""
    made = Dataset()
    for name, check in ATTRIBUTES.items():
        given = values.get(name)
        value = check(given) if isinstance(given, str) else None
        if value is not None:
            setattr(made, name, value)
        elif name in MAY_BE_EMPTY:
            setattr(made, name, "")
    return made


def has_geometry(original: Dataset) -> bool:
    """Whether the image says where it lies in the patient."""
    return all(name in original for name in GEOMETRY)
