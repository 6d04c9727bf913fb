"""PNG and JPEG in the child: size from the header before any decoder runs, metadata stripped.

Stored are the stripped bytes, not the original ones: EXIF and text chunks hold places, times and names that no
analysis needs and that a customer does not mean to hand over. Pixels are not encoded anew. Stripping also drops
whatever follows the image, so that a stored file is not a second thing (a zip, a script) at the same time. Of EXIF
only the orientation stays, since the picture would lie on its side without it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from inference.intake.codes import refusal
from inference.intake.limits import Limits
from inference.intake.sniff import PNG_SIGNATURE

# what pixels depend on; every other chunk is about them
PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
PNG_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
JPEG_ABOUT = {*range(0xE0, 0xF0), 0xFE}
# JFIF and Adobe say how to read the colours: identifier and bytes kept, a thumbnail and whatever follows not
JPEG_COLOURS = {0xE0: (b"JFIF\x00", 12), 0xEE: (b"Adobe", 12)}
NO_THUMBNAIL = {0xE0: bytes(2), 0xEE: b""}
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# inside a scan, FF is followed by 00, a restart marker or a fill byte
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
ORIENTATION = 0x0112


def strip_png(data: bytes, limits: Limits) -> bytes:
    """`data` with the chunks that pixels depend on. Raises `UnreadableFile` for damage, animation, too many pixels."""
    kept = [PNG_SIGNATURE]
    for kind, chunk in png_chunks(data):
        if kind in PNG_ANIMATION:
            raise refusal("not_an_image.animated")
        if len(kept) == 1:
            check_ihdr(kind, chunk, limits)
        if kind in PNG_KEPT:
            check_crc(chunk)
            kept.append(chunk)
    return b"".join(kept)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and whole bytes of each chunk up to IEND."""
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        head = data[position : position + 8]
        if len(head) < 8:
            raise refusal("unreadable_file")
        size, kind = struct.unpack(">I4s", head)
        yield kind, data[position : position + size + 12]
        position += size + 12


def check_ihdr(kind: bytes, chunk: bytes, limits: Limits) -> None:
    """The first chunk gives the size."""
    if kind != b"IHDR" or len(chunk) < 16:
        raise refusal("unreadable_file")
    columns, rows = struct.unpack(">II", chunk[8:16])
    check_pixels(rows, columns, limits)


def check_crc(chunk: bytes) -> None:
    """A chunk that is cut or altered does not carry its sum."""
    if len(chunk) < 12 or struct.pack(">I", zlib.crc32(chunk[4:-4])) != chunk[-4:]:
        raise refusal("unreadable_file")


def check_pixels(rows: int, columns: int, limits: Limits) -> None:
    """Refuse an image without or with too many pixels."""
    if rows < 1 or columns < 1:
        raise refusal("unreadable_file")
    if rows * columns > limits.pixels:
        raise refusal("image_too_large", rows=rows, columns=columns, limit=limits.pixels)


def strip_jpeg(data: bytes, limits: Limits, orientation: int = 1) -> bytes:
    """`data` with the segments that pixels depend on, up to the end of the image. Raises as `strip_png`."""
    kept, sized = [data[:2]], False
    if orientation in range(2, 9):
        kept.append(orientation_segment(orientation))
    for marker, segment in jpeg_segments(data):
        if marker in START_OF_FRAME:
            check_frame(segment, limits)
            sized = True
        kept.append(colours_of(marker, segment) if marker in JPEG_ABOUT else segment)
    if not sized:
        raise refusal("unreadable_file")
    return b"".join(kept)


def colours_of(marker: int, segment: bytes) -> bytes:
    """Of a segment about the image, what its colours are read by; nothing of most."""
    identifier, size = JPEG_COLOURS.get(marker, (b"", 0))
    payload = segment[4 : 4 + size]
    if not identifier or not payload.startswith(identifier) or len(payload) < size:
        return b""
    payload += NO_THUMBNAIL[marker]
    return segment[:2] + struct.pack(">H", len(payload) + 2) + payload


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and whole bytes of each segment, scans with their data, up to the end of the image."""
    position, marker = 2, 0
    while marker != END_OF_IMAGE:
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        if len(data) < position + 2 or data[position] != 0xFF:
            raise refusal("unreadable_file")
        marker = data[position + 1]
        end = position + 2 if marker == END_OF_IMAGE else segment_end(data, position, marker)
        yield marker, data[position:end]
        position = end


def segment_end(data: bytes, start: int, marker: int) -> int:
    """Where the segment at `start` ends; a scan lasts until the next marker."""
    end = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4]))
    if marker != START_OF_SCAN:
        return end
    found = SCAN_END.search(data, end)
    if found is None:
        raise refusal("unreadable_file")
    return found.start()


def check_frame(segment: bytes, limits: Limits) -> None:
    """A start-of-frame segment gives the size."""
    if len(segment) < 9:
        raise refusal("unreadable_file")
    rows, columns = struct.unpack(">HH", segment[5:9])
    check_pixels(rows, columns, limits)


def orientation_segment(orientation: int) -> bytes:
    """An APP1 segment whose EXIF directory holds the orientation (1 to 8) and nothing else."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, orientation, 0)
    tiff = b"MM\x00*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    payload = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
