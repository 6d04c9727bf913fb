"""UIDs that follow from what they name, so that an object made again is the same object (DICOM PS3.5 B.2)."""

from __future__ import annotations

import uuid

ROOT = "2.25"


def uid(result_id: uuid.UUID, *parts: object) -> str:
    """The UID of a part of a result. `parts` name it: the kind, the revision, what it is of them."""
    return f"{ROOT}.{name_of(result_id, *parts).int}"


def name_of(result_id: uuid.UUID, *parts: object) -> uuid.UUID:
    """The same as a UUID, which FHIR wants."""
    return uuid.uuid5(result_id, "/".join(str(part) for part in parts))
