"""The inspection of one file at upload, in the child: what it is, what the rows need of it, and whether it decodes."""

from __future__ import annotations

import time
from typing import Any, BinaryIO

from pydicom.dataset import FileDataset

from inference.domain.errors import UserError
from inference.intake.codes import refusal
from inference.intake.dicom import open_dicom
from inference.intake.frames import stored_frames
from inference.intake.header import describe
from inference.intake.limits import Limits
from inference.intake.picture import image_array, picture_header, strip
from inference.intake.sniff import HEAD_BYTES, file_type
from inference.intake.wire import ReplyWriter


def inspect(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """`{"kind": "dicom" | "image", "header": {...}, "study_uid", "series_uid"}` of one file.

    Of a PNG or JPEG the stripped bytes, which are what is stored, are sent as data. Raises `UnreadableFile`.
    """
    head = source.read(HEAD_BYTES)
    kind = file_type(head)
    if not head:
        raise refusal("empty_file")
    if kind == "dicom":
        return inspect_dicom(source, limits)
    if kind in ("png", "jpeg"):
        return inspect_picture(head + source.read(), kind, limits, reply)
    raise refusal("archive_refused.nested" if kind == "zip" else "unreadable_file.type")


def inspect_dicom(source: BinaryIO, limits: Limits) -> dict[str, Any]:
    """The header of a DICOM file whose pixels decode."""
    header, pixels = open_dicom(source, limits)
    described = describe(header, limits)
    try:
        check_frames(header, pixels, limits)
    except (MemoryError, UserError):
        raise
    except Exception as error:
        raise refusal("unreadable_file.pixels") from error
    return {"kind": "dicom", **described}


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
    return {"kind": "image", "header": picture_header(array, kind)}
