"""Opening a DICOM file in the child: bounded inflation, then every check that the header alone allows.

pydicom sees pixel data only after these. Based on DICOM PS3.5 (encodings) and PS3.10 (file format).
"""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels.utils import get_expected_length, get_nr_frames
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from inference.intake.codes import refusal
from inference.intake.limits import Limits
from inference.intake.sniff import DICOM_MAGIC, PREAMBLE, has_preamble
from inference.intake.whole import Whole

DICOMDIR = "1.2.840.10008.1.3.10"
# objects that carry pixel data but are no image to analyse: segmentations, parametric maps, doses
NO_IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.30",
    "1.2.840.10008.5.1.4.1.1.481.2",
}
PIXEL_DATA_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
NATIVE = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
# JPEG baseline, extended, lossless; JPEG-LS; JPEG 2000; RLE; high-throughput JPEG 2000. Video, JPIP references and
# deflated frames are left out: the first are no stills, the second fetch, the third inflate without bound.
ENCAPSULATED = {f"1.2.840.10008.1.2.4.{last}" for last in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)} | {
    "1.2.840.10008.1.2.5"
}
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """A checked header, the file to read pixels from, and where in it the pixel data element starts."""

    header: FileDataset
    source: BinaryIO
    pixels_at: int


def open_dicom(source: BinaryIO, limits: Limits) -> tuple[FileDataset, BinaryIO]:
    """The checked header, and the file to read pixels from: `source` held to its end, or an inflated copy of it.

    Raises `UnreadableFile` with the code of the first check that fails.
    """
    found = open_at_pixels(source, limits)
    return found.header, found.source


def open_at_pixels(source: BinaryIO, limits: Limits) -> Opened:
    """As `open_dicom`, with the place of the pixels."""
    source = inflated(whole(source), limits)
    source.seek(0)
    header = dcmread(source, stop_before_pixels=True, force=True)
    pixels_at = source.tell()
    check_is_image(header, source.read(4) in PIXEL_DATA_TAGS)
    check_syntax(header)
    check_size(header, limits)
    check_length(header, source)
    return Opened(header, source, pixels_at)


def inflated(source: BinaryIO, limits: Limits) -> BinaryIO:
    """`source`, or its inflated copy in explicit little endian when its transfer syntax is the deflated one.

    pydicom inflates such a file whole and without bound, whatever it is asked to stop before.
    """
    meta = read_meta(source)
    if meta.get("MediaStorageSOPClassUID") == DICOMDIR:
        raise refusal("not_an_image.dicomdir")
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return source
    plain = inflate(source.read(), limits)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    rewritten = DicomBytesIO()
    write_file_meta_info(rewritten, meta, enforce_standard=False)
    return whole(io.BytesIO(PREAMBLE + DICOM_MAGIC + rewritten.getvalue() + plain))


def whole(source: BinaryIO) -> BinaryIO:
    """`source` as a file that is held to its end."""
    return cast(BinaryIO, Whole(source))


def read_meta(source: BinaryIO) -> FileMetaDataset:
    """The file meta information (group 2), empty if there is none; leaves `source` at the data set."""
    if not has_preamble(source):
        source.seek(0)
    return FileMetaDataset(read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag.group != 2))


def inflate(packed: bytes, limits: Limits) -> bytes:
    """Inflate at most so far as ratio and absolute cap allow."""
    cap = min(limits.inflated_bytes, limits.inflate_ratio * len(packed))
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = stream.decompress(packed, cap)
    if stream.unconsumed_tail or not stream.eof:
        raise refusal("image_too_large.inflated", limit=cap) if len(plain) >= cap else refusal("unreadable_file")
    return plain


def check_is_image(header: Dataset, has_pixels: bool) -> None:
    """Refuse reports, plans, segmentations and whatever else is not an image; then a header without identity."""
    if header.get("SOPClassUID") == DICOMDIR or "DirectoryRecordSequence" in header:
        raise refusal("not_an_image.dicomdir")
    if "SOPClassUID" not in header and "PatientID" not in header and "Rows" not in header:
        raise refusal("unreadable_file")
    if not has_pixels or header.get("SOPClassUID") in NO_IMAGE_CLASSES:
        raise refusal("not_an_image" if "Rows" not in header or has_pixels else "unreadable_file.truncated")


def check_syntax(header: FileDataset) -> None:
    """Refuse what no decoder of ours takes; name the syntax of a data set that came without meta information."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        syntax = header.file_meta.TransferSyntaxUID = guessed_syntax(header)
    if syntax not in NATIVE and syntax not in ENCAPSULATED:
        raise refusal("unsupported_syntax", syntax=str(syntax)[:64])


def guessed_syntax(header: FileDataset) -> UID:
    """The native syntax in which pydicom found the data set to be written."""
    is_implicit, is_little_endian = header.original_encoding
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little_endian else ExplicitVRBigEndian


def check_size(header: Dataset, limits: Limits) -> None:
    """Hold rows, columns and frames, which a header may invent, against the caps."""
    rows, columns = int(header.Rows), int(header.Columns)
    frames, samples = get_nr_frames(header, warn=False), int(header.SamplesPerPixel)
    if rows < 1 or columns < 1 or samples not in (1, 3):
        raise refusal("unreadable_file")
    if rows * columns > limits.pixels:
        raise refusal("image_too_large", rows=rows, columns=columns, limit=limits.pixels)
    if frames > limits.frames:
        raise refusal("image_too_large.frames", frames=frames, limit=limits.frames)
    if rows * columns * frames * samples * FLOAT_BYTES > limits.decoded_bytes:
        raise refusal("image_too_large.decoded", limit=limits.decoded_bytes)


def check_length(header: FileDataset, source: BinaryIO) -> None:
    """Refuse native pixel data that is longer by its header than what is left of the file."""
    if header.file_meta.TransferSyntaxUID not in NATIVE:
        return
    start = source.tell()
    left = source.seek(0, os.SEEK_END) - start
    if get_expected_length(header) > left:
        raise refusal("unreadable_file.truncated")
