"""What a child reports of a file, checked on arrival: a child that was taken over must not write rows of its choice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

from inference.deidentification.instruction import Instruction
from inference.deidentification.told import Deidentified, told_deidentification, told_signs
from inference.domain.study import InstanceHeader
from inference.intake.codes import refusal
from inference.intake.pool import Pool, Source, refuse_data

UID = re.compile(r"[0-9.]{1,64}")
DIGEST = re.compile(r"([0-9a-f]{64})?")
HEADER_FIELDS = {one.name for one in fields(InstanceHeader)} - {"id", "sha256"}
TUPLE_FIELDS = ("image_type", "pixel_spacing", "imager_pixel_spacing", "orientation", "position", "window")
COUNTS = ("rows", "columns", "frames", "samples_per_pixel", "bits_stored")


@dataclass(frozen=True, slots=True)
class Inspection:
    """`header` has the fields of `InstanceHeader` except `id` and `sha256`, as JSON. UIDs are empty for images.

    `patient` is a digest that is kept nowhere: `patients.patient_key` makes the tenant's pseudonym of it.
    """

    kind: Literal["dicom", "image"]
    header: Mapping[str, Any]
    study_uid: str = ""
    series_uid: str = ""
    patient: str = field(default="", repr=False)
    taken_at: datetime | None = None
    risks: tuple[str, ...] = ()
    deidentified: Deidentified | None = None


def inspect_file(
    pool: Pool,
    source: Source,
    on_data: Callable[[bytes], None] = refuse_data,
    instruction: Instruction | None = None,
) -> Inspection:
    """Inspect one file in a child. `on_data` takes the bytes to store, where they are not those that came.

    With an `instruction` a DICOM file comes back de-identified, and its header with it. Raises `UnreadableFile`.
    """
    told = instruction.as_options() if instruction else None
    found = checked(pool.run("inspect", source, on_data=on_data, instruction=told))
    if instruction is not None and found.kind == "dicom" and found.deidentified is None:
        raise refusal("unreadable_file.decoder")
    return found


def checked(reply: Mapping[str, Any]) -> Inspection:
    """The inspection in a reply. Raises `UnreadableFile` where the reply is not of our making."""
    header = reply.get("header")
    if not isinstance(header, dict) or not set(header) <= HEADER_FIELDS:
        raise refusal("unreadable_file.decoder")
    if not all(isinstance(header.get(name, 1), int) and header.get(name, 1) > 0 for name in COUNTS):
        raise refusal("unreadable_file.decoder")
    risks = told_signs(reply.get("risks", []))
    if reply.get("kind") == "image":
        return Inspection("image", header, risks=risks)
    uids = [reply.get("study_uid"), reply.get("series_uid"), header.get("sop_instance_uid")]
    if not all(isinstance(uid, str) and UID.fullmatch(uid) for uid in uids):
        raise refusal("unreadable_file.decoder")
    done = reply.get("deidentified")
    deidentified = told_deidentification(done) if done is not None else None
    return Inspection(
        "dicom", header, str(uids[0]), str(uids[1]), digest_in(reply), moment_in(reply), risks, deidentified
    )


def digest_in(reply: Mapping[str, Any]) -> str:
    """The digest of the patient, empty where the file names none."""
    found = reply.get("patient", "")
    if not isinstance(found, str) or not DIGEST.fullmatch(found):
        raise refusal("unreadable_file.decoder")
    return found


def moment_in(reply: Mapping[str, Any]) -> datetime | None:
    """When the study was taken, in UTC."""
    found = reply.get("taken_at")
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise refusal("unreadable_file.decoder") from None


def instance_header(identifier: str, sha256: str, header: Mapping[str, Any]) -> InstanceHeader:
    """The domain's header from its JSON form."""
    values = dict(header)
    for name in TUPLE_FIELDS:
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return InstanceHeader(id=identifier, sha256=sha256, **values)
