"""Files made for the tests: good ones with chosen headers, and hostile ones."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, generate_uid

STUDY = "1.2.826.0.1.3680043.8.498.1"
SERIES = "1.2.826.0.1.3680043.8.498.2"
MIB = 1024 * 1024


def dataset(**attributes: Any) -> FileDataset:
    """A CT slice of 4 x 5 pixels, patient included; `None` takes an attribute away."""
    pixels = np.arange(20, dtype=np.int16).reshape(4, 5)
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "PatientName": "Canary^Patient",
        "PatientID": "CANARY-77",
        "Modality": "CT",
        "BodyPartExamined": "CHEST",
        "Rows": 4,
        "Columns": 5,
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "RescaleSlope": 2,
        "RescaleIntercept": -1024,
        "PixelData": pixels.tobytes(),
    }
    made = FileDataset("", {}, preamble=bytes(128), file_meta=FileMetaDataset())
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name, value in {**values, **attributes}.items():
        if value is not None:
            setattr(made, name, value)
    made.file_meta.MediaStorageSOPClassUID = values["SOPClassUID"]
    made.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    return made


def dicom(preamble: bytes = bytes(128), deflated: bool = False, **attributes: Any) -> bytes:
    """The file of `dataset`, strange values included."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = dataset(**attributes)
    if deflated:
        made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    made.save_as(file, enforce_file_format=False)
    return preamble + file.getvalue()[128:]


def header_lie(rows: int, columns: int, frames: int) -> bytes:
    """A small file whose header claims a large image."""
    return dicom(Rows=rows, Columns=columns, NumberOfFrames=frames)


def deflate_bomb(inflated: int = 512 * MIB) -> bytes:
    """A deflated data set that inflates to `inflated` bytes, a thousandth of which it takes."""
    made = dataset(PixelData=None)
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    plain = io.BytesIO()
    made.save_as(plain, enforce_file_format=False)
    start = plain.getvalue()
    meta_end = start.index(b"\x02\x00\x10\x00UI") + 8 + 22
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, inflated))
    for _ in range(inflated // MIB):
        packed += packer.compress(bytes(MIB))
    return start[:meta_end] + packed + packer.flush()


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def huge_png(edge: int) -> bytes:
    """A valid PNG of `edge` x `edge` one-bit pixels, all black, in a few kilobytes."""
    row = bytes(1 + (edge + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def picture(kind: str = "PNG", mode: str = "L", size: tuple[int, int] = (7, 5), **options: Any) -> bytes:
    """A small image with a gradient."""
    values = np.arange(size[0] * size[1] * 4, dtype=np.uint32).reshape(size[1], size[0], 4) * 7 % 251
    if mode == "I;16":
        made = Image.fromarray((values[..., 0] * 200).astype(np.uint16))
    else:
        made = Image.fromarray(values.astype(np.uint8), "RGBA").convert(mode)
    file = io.BytesIO()
    made.save(file, kind, **options)
    return file.getvalue()


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of `entries`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as written:
        for name, content in entries:
            written.writestr(name, content)
    return file.getvalue()


def dataset_of(**attributes: Any) -> Dataset:
    """An item of a sequence."""
    made = Dataset()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
