"""Who a file is about, read before it is cleaned: for the pseudonym, and for the sealed way back."""

from __future__ import annotations

import json
from typing import Any

from pydicom.dataset import Dataset

# beside the patient's group: what ties a study to the order and the place that it belongs to
STUDY_ATTRIBUTES = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
    "StudyDescription", "IssuerOfAccessionNumberSequence", "InstitutionName", "SeriesDate", "SeriesTime",
    "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime",
)  # fmt: skip
PATIENT_GROUP = 0x0010
LONGEST_ELEMENT = 4_096
MOST_ELEMENTS = 100


def patient_of(header: Dataset) -> str:
    """What pseudonym and shift of dates follow from: the patient's id; without one, name and birth date."""
    identifier = text(header, "PatientID")
    if identifier:
        return identifier
    named = [text(header, "PatientName"), text(header, "PatientBirthDate")]
    return "\n".join(named) if any(named) else text(header, "StudyInstanceUID")


def original_module(header: Dataset) -> dict[str, Any]:
    """The patient module and the attributes of the study, as DICOM JSON; what can not be told as JSON is left out."""
    told: dict[str, Any] = {}
    wanted: list[Any] = [tag for tag in header.keys() if tag.group == PATIENT_GROUP]  # noqa: SIM118 a data set iterates elements
    for key in [*wanted, *STUDY_ATTRIBUTES]:
        if key in header and len(told) < MOST_ELEMENTS:
            told |= element_as_json(header, key)
    return told


def element_as_json(header: Dataset, key: Any) -> dict[str, Any]:
    """One element under its tag in hexadecimal; empty where it is too long or can not be read."""
    try:
        element = header[key]
        told = element.to_json_dict(bulk_data_element_handler=None, bulk_data_threshold=LONGEST_ELEMENT)
        if len(json.dumps(told)) > LONGEST_ELEMENT:
            return {}
    except Exception:
        return {}
    return {f"{element.tag:08X}": told}


def text(header: Dataset, name: str) -> str:
    """An attribute as text; empty where it is missing or can not be read."""
    try:
        return str(header.get(name) or "").strip()
    except Exception:
        return ""
