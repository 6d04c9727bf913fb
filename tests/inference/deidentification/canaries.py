"""A DICOM file with a canary in every attribute of the standard that can hold text or bytes, nested and private too."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from pydicom.datadict import DicomDictionary, RepeatersDictionary
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from tests.inference.intake.files import dataset, picture, png_chunk

WORD = "Zanzibarry"
UID = "1.2.826.0.1.90877654321"
DAY = "19510709"
CANARIES = (WORD, WORD.upper(), UID, DAY)
TEXT_VRS = {"AE", "AS", "CS", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "TM"}
BINARY_VRS = {"OB", "UN", "OD", "OF", "OL", "OV", "OW"}
# an image without these is none, or is refused for a value that is no number
NEEDED = {
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "PhotometricInterpretation", "NumberOfFrames", "InstanceNumber", "DirectoryRecordSequence", "PixelData",
    "FloatPixelData", "DoubleFloatPixelData", "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient",
    "ModalityLUTSequence", "PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence",
    "EncapsulatedPixelDataValueTotalLength",
}  # fmt: skip


def planted() -> bytes:
    """The file; its image stays whole."""
    made = dataset(StudyDate=DAY, StudyTime="101500", FrameOfReferenceUID=UID, PatientBirthDate=DAY)
    plant(made)
    nested = made
    for _ in range(4):
        item = Dataset()
        plant(item, sequences=False)
        nested.add_new(Tag("ReferencedImageSequence"), "SQ", Sequence([item]))
        nested = item
    made.file_meta.SourceApplicationEntityTitle = WORD
    return preamble() + written(made)[128:] + trailing()


def plant(into: Dataset, sequences: bool = True) -> None:
    """A canary in each attribute that can hold one."""
    for number, (vr, _multiplicity, _name, _retired, keyword) in {**DicomDictionary}.items():
        tag = BaseTag(number)
        if tag.group <= 2 or keyword in NEEDED or tag.group == 0x7FE0:
            continue
        if vr == "SQ" and sequences:
            into.add_new(tag, "SQ", Sequence([named()]))
        elif content := content_of(vr):
            into[tag] = raw(tag, vr.split(" ")[0], content)
    private = into.private_block(0x0099, WORD, create=True)
    private.add_new(1, "LO", WORD)
    private.add_new(2, "SQ", Sequence([named()]))
    for mask in list(RepeatersDictionary)[:10]:
        tag = BaseTag(int(mask.replace("x", "0"), 16))
        into[tag] = raw(tag, "LO", WORD.encode())
    for unknown in (0x00081F1F, 0x60003000, 0x60004000, 0x50003000):
        into[BaseTag(unknown)] = raw(BaseTag(unknown), "OB" if unknown & 0xFFFF == 0x3000 else "LT", WORD.encode())


def named() -> Dataset:
    """A small item that names somebody."""
    item = Dataset()
    for keyword, vr in (("PatientName", "PN"), ("CodeMeaning", "LO"), ("CodeValue", "SH"), ("TextValue", "UT")):
        item[Tag(keyword)] = raw(Tag(keyword), vr, WORD.encode())
    item.add_new(Tag("ReferencedSOPInstanceUID"), "UI", UID)
    return item


def content_of(vr: str) -> bytes:
    """A canary in the form of the representation, or against it."""
    if vr in TEXT_VRS:
        return (WORD.upper() if vr == "CS" else WORD).encode()
    if vr in BINARY_VRS or " or O" in vr:
        return (WORD * 4).encode()
    return {"UI": UID.encode(), "DA": DAY.encode(), "DT": f"{DAY}101500".encode()}.get(vr, b"")


def raw(tag: BaseTag, vr: str, content: bytes) -> RawDataElement:
    """An element whose bytes nobody checks."""
    even = content + b" " * (len(content) % 2)
    return RawDataElement(tag, vr, len(even), even, 0, False, True)


def written(made: FileDataset) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.save_as(file, enforce_file_format=False)
    return file.getvalue()


def preamble() -> bytes:
    return (WORD * 13).encode()[:128]


def trailing() -> bytes:
    """An element behind the pixels, where a reader that stops at them never looks."""
    content = (WORD * 2).encode()
    return struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, len(content)) + content


def photo() -> bytes:
    """A PNG with canaries in its chunks and behind its end."""
    plain = picture()
    text = png_chunk(b"tEXt", b"Comment\x00" + WORD.encode())
    packed = png_chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(WORD.encode(), 0))
    return plain[:33] + text + packed + plain[33:] + WORD.encode()


def jpeg_photo() -> bytes:
    """A JPEG with canaries in a comment, in EXIF and in an application segment that claims to be of JFIF."""
    plain = picture("JPEG", comment=WORD.encode(), exif=b"Exif\x00\x00" + WORD.encode())
    content = b"JFXX\x00" + WORD.encode()
    return plain[:2] + b"\xff\xe0" + struct.pack(">H", len(content) + 2) + content + plain[2:]


def found_in(content: bytes) -> list[str]:
    """The canaries in some bytes."""
    return [canary for canary in CANARIES if canary.encode() in content]
