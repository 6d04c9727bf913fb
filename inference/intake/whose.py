"""Whose a DICOM file is and when it was taken, in the child: the patient's id leaves it as a digest only."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

# what anonymising tools leave in the place of an id: the same for every patient
NO_ID = frozenset({"anon", "anonymous", "anonymized", "anonymised", "unknown", "none", "null", "removed", "n/a", "na"})
MOST_MINUTES = 14 * 60


def patient_digest(header: Dataset) -> str:
    """SHA-256 (hex) of issuer and id of the patient, empty where the header names none.

    It can be reversed by trying ids, so it is not to be kept: `patients.patient_key` makes a keyed pseudonym of it.
    """
    return digest_of(plain(header.get("PatientID")), plain(header.get("IssuerOfPatientID")))


def digest_of(identity: str, issuer: str) -> str:
    """The digest of an id and its issuer, which may be empty; empty for what is no id."""
    if identity.lower() in NO_ID or not identity.strip("0.-_ "):
        return ""
    return hashlib.sha256(f"{len(issuer)} {issuer} {identity}".encode()).hexdigest()


def plain(value: object) -> str:
    """DICOM text without the padding that counts for nothing (PS3.5, 6.2)."""
    return str(value or "").strip(" \0")


def taken_at(header: Dataset) -> str | None:
    """Date and time of the study (ISO 8601 with zone), `None` where there is no date.

    A day without a time begins at midnight; without a time zone in the header the time counts as UTC.
    """
    try:
        date = DA(header.get("StudyDate"))
        if not date:
            return None
        time = TM(header.get("StudyTime") or "000000")
        moment = datetime.combine(date, time or datetime.min.time(), zone(header.get("TimezoneOffsetFromUTC")))
        return moment.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return None


def zone(offset: Any) -> timezone:
    """The zone of an offset like `+0800`; UTC where there is none."""
    text = plain(offset)
    if len(text) != 5 or text[0] not in "+-" or not text[1:].isdigit():
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:])
    if minutes > MOST_MINUTES:
        return UTC
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
