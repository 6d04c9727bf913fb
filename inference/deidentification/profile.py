"""What the Basic Profile of DICOM PS3.15 Annex E asks of each attribute, and the options that are in force.

`profile.json` is the table by keyword. Its codes: X remove, Z empty, D replace by a dummy, U replace the UID; several
codes stand for what the attribute's type in its information object allows. In force beside it are the options Retain
Longitudinal Temporal Information with Modified Dates, Retain Patient Characteristics and Clean Descriptors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Action = Literal["remove", "empty", "dummy", "uid", "items", "keep"]

_TABLE = json.loads((Path(__file__).parent / "profile.json").read_text(encoding="utf-8"))
CODES: dict[str, str] = {keyword: code for code, keywords in _TABLE["actions"].items() for keyword in keywords}
NAME = "assay-basic"
VERSION: str = _TABLE["version"]

# of these the options keep what passes the check of values; the vocabulary cleans the descriptors
PATIENT_CHARACTERISTICS = frozenset({"PatientAge", "PatientSex", "PatientSize", "PatientWeight"})
CLEANED_DESCRIPTORS = frozenset({"StudyDescription", "SeriesDescription", "ProtocolName"})
# dates that say who somebody is, not when something was done
PERSONAL_DATES = frozenset({"PatientBirthDate", "PatientBirthTime", "LastMenstrualDate"})
DATE_VRS = frozenset({"DA", "DT", "TM"})


@dataclass(frozen=True, slots=True)
class Method:
    """A code of CID 7050, coding scheme DCM."""

    value: str
    meaning: str


METHODS = (
    Method("113100", "Basic Application Confidentiality Profile"),
    Method("113105", "Clean Descriptors Option"),
    Method("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Method("113108", "Retain Patient Characteristics Option"),
)


def action_of(keyword: str, vr: str) -> Action:
    """What is done to an attribute; "keep" still has to pass the check of its value."""
    if keyword in PATIENT_CHARACTERISTICS | CLEANED_DESCRIPTORS:
        return "keep"
    if vr in DATE_VRS:
        return "remove" if keyword in PERSONAL_DATES else "keep"
    code = CODES.get(keyword)
    if code is None:
        return "keep"
    return sequence_action(code) if vr == "SQ" else value_action(code, vr)


def sequence_action(code: str) -> Action:
    """A dummy for a sequence is the sequence with cleaned items."""
    if "D" in code or "U" in code:
        return "items"
    return "empty" if "Z" in code else "remove"


def value_action(code: str, vr: str) -> Action:
    """UIDs are always mapped, never invented."""
    if vr == "UI":
        return "remove" if code == "X" else "uid"
    if "Z" in code:
        return "empty"
    return "dummy" if "D" in code else "remove"
