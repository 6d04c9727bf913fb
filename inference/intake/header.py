"""What leaves the child of a DICOM header: the fields of `InstanceHeader`, the UIDs, when and a digest of whom.

DICOM text is a stranger's text: it is cut to length and stripped of control characters. Numbers that are not finite,
and lengths that are not positive, count as not given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.utils import get_nr_frames

from inference.intake.codes import refusal
from inference.intake.limits import Limits
from inference.intake.whose import patient_digest, taken_at

UID_FORM = re.compile(r"[0-9.]{1,64}")
DICOM_MEDIA_TYPE = "application/dicom"


def describe(header: FileDataset, limits: Limits) -> dict[str, Any]:
    """`{"study_uid", "series_uid", "patient", "taken_at", "header": {...}}` of a checked DICOM header.

    Raises `UnreadableFile` where a UID that the rows need is missing or no UID.
    """
    return {
        "study_uid": uid(header, "StudyInstanceUID"),
        "series_uid": uid(header, "SeriesInstanceUID"),
        "patient": patient_digest(header),
        "taken_at": taken_at(header),
        "header": {**identity(header), **image(header), **geometry(header), **texts(header, limits)},
    }


def identity(header: Dataset) -> dict[str, Any]:
    """Class and number of the object."""
    return {
        "media_type": DICOM_MEDIA_TYPE,
        "sop_class_uid": uid(header, "SOPClassUID"),
        "sop_instance_uid": uid(header, "SOPInstanceUID"),
        "instance_number": whole(header.get("InstanceNumber")),
    }


def image(header: Dataset) -> dict[str, Any]:
    """How the pixels are laid out."""
    return {
        "rows": int(header.Rows),
        "columns": int(header.Columns),
        "frames": get_nr_frames(header, warn=False),
        "samples_per_pixel": int(header.SamplesPerPixel),
        "bits_stored": int(header.get("BitsStored") or header.BitsAllocated),
        "photometric": text(header.get("PhotometricInterpretation"), 16),
        "window": vector([first(header.get("WindowCenter")), first(header.get("WindowWidth"))], 2),
    }


def geometry(header: Dataset) -> dict[str, Any]:
    """Spacing in mm, orientation and position in LPS; of multi-frame objects, those of the first frame."""
    return {
        "pixel_spacing": lengths(find(header, "PixelMeasuresSequence", "PixelSpacing")),
        "imager_pixel_spacing": lengths(header.get("ImagerPixelSpacing")),
        "slice_thickness": length(find(header, "PixelMeasuresSequence", "SliceThickness")),
        "orientation": vector(find(header, "PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        "position": vector(find(header, "PlanePositionSequence", "ImagePositionPatient"), 3),
    }


def texts(header: Dataset, limits: Limits) -> dict[str, Any]:
    """Coded and free text about what was imaged."""
    cap = limits.text_chars
    return {
        "modality": text(header.get("Modality"), 16),
        "body_part": text(header.get("BodyPartExamined"), 32),
        "view_position": text(header.get("ViewPosition"), 16),
        "image_type": [text(part, 32) for part in several(header.get("ImageType"))[:8]],
        "study_description": text(header.get("StudyDescription"), cap),
        "series_description": text(header.get("SeriesDescription"), cap),
        "protocol_name": text(header.get("ProtocolName"), cap),
    }


def find(header: Dataset, group: str, name: str) -> Any:
    """An attribute of the header, or of the functional groups of an enhanced multi-frame object (first frame)."""
    if name in header:
        return header.get(name)
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in several(header.get(groups))[:1]:
            for inner in several(item.get(group))[:1]:
                if name in inner:
                    return inner.get(name)
    return None


def uid(header: Dataset, name: str) -> str:
    """A UID that must be there."""
    value = str(header.get(name) or "").strip()
    if not UID_FORM.fullmatch(value):
        raise refusal("unreadable_file.uid", attribute=name)
    return value


def text(value: object, cap: int) -> str:
    """One line of printable text, at most `cap` characters."""
    joined = "".join(letter for letter in str(value or "") if letter.isprintable())
    return joined.strip()[:cap]


def several(value: Any) -> list[Any]:
    """The values of a multi-valued attribute or a sequence, one or none included."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Dataset)) else [value]


def first(value: Any) -> Any:
    """The first of several values, `None` if there is none."""
    return next(iter(several(value)), None)


def number(value: Any) -> float | None:
    """A finite number, else `None`."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number that fits a database's integer, else `None`."""
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**31 else None


def length(value: Any) -> float | None:
    """A positive number, else `None`."""
    found = number(value)
    return found if found and found > 0 else None


def vector(value: Any, size: int) -> list[float] | None:
    """`size` finite numbers, else `None`."""
    found = [number(part) for part in several(value)]
    given = [part for part in found if part is not None]
    return given if len(given) == len(found) == size else None


def lengths(value: Any) -> list[float] | None:
    """Two positive numbers, else `None`."""
    found = vector(value, 2)
    return found if found and min(found) > 0 else None
