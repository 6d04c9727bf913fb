"""Whom and when a resource of FHIR is about, from what DICOM says of it."""

from __future__ import annotations

from typing import Any

DICOM_UID = "urn:dicom:uid"
OID = "urn:oid:"


def subject(identifier: str, issuer: str) -> dict[str, Any]:
    """The patient by the identifier that the original gives, and by nothing else."""
    if not identifier:
        return {"type": "Patient", "display": "not known"}
    assigner = {"assigner": {"display": issuer}} if issuer else {}
    return {"type": "Patient", "identifier": {"value": identifier, **assigner}}


def day(text: str) -> str:
    """A date of DICOM as FHIR writes it."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text else ""
