"""The inspection of one file at upload, in the child: what it is, what the rows need of it, and whether it decodes."""

from __future__ import annotations

import time
from typing import Any, BinaryIO

from pydicom.dataset import FileDataset

from inference.deidentification.file import deidentify
from inference.deidentification.instruction import Instruction
from inference.deidentification.risk import PICTURE, signs
from inference.domain.errors import UserError
from inference.intake.codes import refusal
from inference.intake.dicom import Opened, open_at_pixels
from inference.intake.frames import stored_frames
from inference.intake.header import describe
from inference.intake.limits import Limits
from inference.intake.picture import image_array, picture_header, strip
from inference.intake.sniff import HEAD_BYTES, file_type
from inference.intake.wire import ReplyWriter


def inspect(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """`{"kind": "dicom" | "image", "header": {...}, "study_uid", "series_uid", "risks": [...]}` of one file.

    Of a PNG or JPEG the stripped bytes, which are what is stored, are sent as data. So are those of a DICOM file where
    `options["instruction"]` is given; then the header is told as it stands in them, with `"deidentified": {...}`.
    Raises `UnreadableFile`.
    """
    head = source.read(HEAD_BYTES)
    kind = file_type(head)
    if not head:
        raise refusal("empty_file")
    if kind == "dicom":
        told = options.get("instruction")
        return inspect_dicom(source, limits, reply, Instruction.from_options(told) if told else None)
    if kind in ("png", "jpeg"):
        return inspect_picture(head + source.read(), kind, limits, reply)
    raise refusal("archive_refused.nested" if kind == "zip" else "unreadable_file.type")


def inspect_dicom(
    source: BinaryIO, limits: Limits, reply: ReplyWriter, instruction: Instruction | None
) -> dict[str, Any]:
    """The header of a DICOM file whose pixels decode."""
    opened = open_at_pixels(source, limits)
    described = describe(opened.header, limits)
    risks = signs(opened.header)
    decode_once(opened, limits)
    if instruction is None:
        return {"kind": "dicom", **described, "risks": risks}
    done = deidentify(opened.header, opened.source, opened.pixels_at, instruction, reply.data)
    cleaned = describe(opened.header, limits)
    if instruction.mode == "pseudonymise":
        # the digest that the tenant's pseudonym of the patient follows from, whatever the rule was at the time
        cleaned["patient"] = described["patient"]
    return {"kind": "dicom", **cleaned, "risks": risks, "deidentified": done}


def decode_once(opened: Opened, limits: Limits) -> None:
    """Raises `UnreadableFile` where the decoder refuses the pixels."""
    try:
        check_frames(opened.header, opened.source, limits)
    except (MemoryError, UserError):
        raise
    except Exception as error:
        raise refusal("unreadable_file.pixels") from error


def check_frames(header: FileDataset, pixels: BinaryIO, limits: Limits) -> None:
    """Decode frame after frame until the time for it is used up."""
    started = time.process_time()
    for _ in stored_frames(header, pixels):
        if time.process_time() - started > limits.pixel_check_seconds:
            return


def inspect_picture(data: bytes, kind: str, limits: Limits, reply: ReplyWriter) -> dict[str, Any]:
    """The header of a PNG or JPEG; sends the stripped bytes."""
    stripped = strip(data, kind, limits)
    try:
        array = image_array(stripped)
    except MemoryError:
        raise
    except Exception as error:
        raise refusal("unreadable_file.pixels") from error
    reply.data(stripped)
    return {"kind": "image", "header": picture_header(array, kind), "risks": [PICTURE]}
