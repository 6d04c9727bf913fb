"""Encapsulated pixel data item by item (DICOM PS3.5 A.4); JPEG images lose the comments that stand in them.

A JPEG stream can carry a text, a thumbnail or an address in segments that no pixel depends on. They are taken out where
each item is one whole image; the table of offsets is emptied then, for it would point to the wrong places.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from inference.domain.errors import UserError
from inference.intake.codes import refusal
from inference.intake.limits import Limits
from inference.intake.raster import strip_jpeg

CHUNK = 1024 * 1024
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
HEAD_BYTES = 8
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
# baseline, extended and lossless: JPEG-LS and JPEG 2000 have other segments
JPEG = {f"1.2.840.10008.1.2.4.{last}" for last in (50, 51, 57, 70)}
# the sizes were held against the caps when the file was opened; here only the segments matter
ANY_SIZE = Limits(pixels=2**32)


@dataclass(frozen=True, slots=True)
class Item:
    """Where the bytes of an item lie."""

    start: int
    length: int


def encapsulated(source: BinaryIO, syntax: str) -> Iterator[bytes]:
    """The items from here on, closed by a delimiter; whatever follows the last of them stays behind."""
    items = items_of(source)
    if syntax in JPEG and len(items) > 1 and all(is_whole(read(source, item)) for item in items[1:]):
        yield head_of(0)
        for item in items[1:]:
            stripped = without_comments(read(source, item))
            yield head_of(len(stripped)) + stripped
    else:
        for item in items:
            yield head_of(item.length)
            source.seek(item.start)
            yield from copied(source, item.length)
    yield DELIMITER + bytes(4)


def items_of(source: BinaryIO) -> list[Item]:
    """The table of offsets and the fragments."""
    found: list[Item] = []
    while (head := source.read(HEAD_BYTES))[:4] == ITEM and len(head) == HEAD_BYTES:
        (length,) = struct.unpack("<I", head[4:])
        found.append(Item(source.tell(), length))
        source.seek(length, 1)
    return found


def head_of(length: int) -> bytes:
    """The head of an item."""
    return ITEM + struct.pack("<I", length)


def read(source: BinaryIO, item: Item) -> bytes:
    """All bytes of an item. Raises `UnreadableFile` where the file ends before."""
    source.seek(item.start)
    return b"".join(copied(source, item.length))


def is_whole(content: bytes) -> bool:
    """Whether an item is one JPEG image from its start to its end, padding aside."""
    return content.startswith(JPEG_START) and content.rstrip(b"\0").endswith(JPEG_END)


def without_comments(content: bytes) -> bytes:
    """The image without segments about it, padded to an even length; as it is where its segments can not be told."""
    try:
        stripped = strip_jpeg(content, ANY_SIZE)
    except UserError:
        stripped = content
    return stripped + bytes(len(stripped) % 2)


def copied(source: BinaryIO, count: int) -> Iterator[bytes]:
    """`count` bytes in pieces. Raises `UnreadableFile` where the file ends before."""
    while count:
        piece = source.read(min(CHUNK, count))
        if not piece:
            raise refusal("unreadable_file.truncated")
        count -= len(piece)
        yield piece
