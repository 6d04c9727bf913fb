"""What a file is, by its content: the name that a customer gave it says nothing."""

from __future__ import annotations

from typing import BinaryIO, Literal

FileType = Literal["dicom", "png", "jpeg", "zip", "unknown"]

HEAD_BYTES = 132
PREAMBLE = bytes(128)
DICOM_MAGIC = b"DICM"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# first groups of a data set without preamble: file meta information, or the SOP common module in either byte order
BARE_LITTLE = (b"\x02\x00", b"\x08\x00")
BARE_BIG = b"\x00\x08"


def file_type(head: bytes) -> FileType:
    """The type of a file that starts with `head`, its first `HEAD_BYTES` bytes."""
    if head[128:132] == DICOM_MAGIC:
        # before all others: the preamble may be made to look like anything
        return "dicom"
    if head.startswith(PNG_SIGNATURE):
        return "png"
    if head.startswith(JPEG_START):
        return "jpeg"
    if head.startswith(ZIP_SIGNATURES):
        return "zip"
    return "dicom" if is_bare_dataset(head) else "unknown"


def has_preamble(file: BinaryIO) -> bool:
    """Whether a DICOM file starts with a preamble, rather than with its data set."""
    file.seek(0)
    return file.read(HEAD_BYTES)[128:] == DICOM_MAGIC


def is_bare_dataset(head: bytes) -> bool:
    """Whether `head` reads as the first element of a DICOM data set without preamble."""
    group, element, representation = head[:2], head[2:4], head[4:6]
    explicit = representation.isalpha() and representation.isupper()
    if group == BARE_BIG:
        return element[:1] == b"\x00" and explicit
    implicit = head[6:8] == b"\x00\x00"
    return group in BARE_LITTLE and element[1:] == b"\x00" and (explicit or implicit)
