"""Single attributes of one DICOM header as text, in the child: what an exported object takes over from its original."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from inference.intake.dicom import open_dicom
from inference.intake.header import text
from inference.intake.limits import Limits
from inference.intake.wire import ReplyWriter

MOST_CHARS = 1_024


def attributes(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """`{"values": {keyword: text}}` of `options["names"]`, several values joined by a backslash.

    What is missing, empty or can not be read is left out. Raises `UnreadableFile`.
    """
    header, _ = open_dicom(source, limits)
    return {"values": dict(readable(header, options["names"]))}


def readable(header: Dataset, names: list[str]) -> Iterator[tuple[str, str]]:
    """The attributes that have a value; a value is first converted here, and strange ones fail at it."""
    for name in names:
        try:
            value = header.get(name)
        except Exception:  # noqa: S112 whatever a converter throws at strange bytes
            continue
        joined = "\\".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value or "")
        if found := text(joined, MOST_CHARS):
            yield name, found
