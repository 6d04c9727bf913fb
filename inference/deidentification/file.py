"""One DICOM file by the tenant's rule, in the child: cleaned header, new file meta, and the pixel element alone.

What follows the pixels (padding, signatures) is not copied, and of native pixels no byte beyond their length.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.pixels.utils import get_expected_length
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from inference.deidentification.dataset import Cleaning
from inference.deidentification.fragments import copied, encapsulated
from inference.deidentification.identity import original_module, patient_of, text
from inference.deidentification.instruction import Instruction
from inference.deidentification.profile import METHODS, NAME, VERSION
from inference.deidentification.pseudonyms import days_of, name_of
from inference.deidentification.sealing import seal
from inference.intake.codes import refusal
from inference.intake.sniff import PREAMBLE

# of our own making, under the root for UUIDs
IMPLEMENTATION_UID = UID("2.25.302047398470411387218163461218930183475")
# a reply of the child has a largest size; study, series, instance and frame of reference come first
MOST_UIDS = 4_000
UNDEFINED = 0xFFFFFFFF
SHORT_HEAD, LONG_HEAD = 8, 12
PIXEL_VRS = (b"OB", b"OW", b"UN")

Send = Callable[[bytes], None]


def deidentify(
    header: FileDataset, source: BinaryIO, pixels_at: int, instruction: Instruction, send: Send
) -> dict[str, Any]:
    """Clean `header` in place, send the bytes of the new file, and tell what was done.

    `pixels_at` is where the pixel element starts in `source`. The answer is `{"removed": {keyword: count}, "emptied",
    "replaced", "shifted", "remapped", "private", "unknown", "sealed_study", "sealed_file"}`, the last two in base64.
    """
    patient = text(header, "StudyInstanceUID") if instruction.mode == "anonymise" else patient_of(header)
    original = original_module(header)
    cleaning = Cleaning(instruction.pseudonym_key, days_of(instruction.pseudonym_key, patient))
    cleaning.clean(header)
    mark(header, name_of(instruction.pseudonym_key, patient))
    write_header(header, send)
    for piece in pixel_element(header, source, pixels_at):
        send(piece)
    counts = {action: dict(counted) for action, counted in cleaning.done.items()}
    told = {**counts, "private": cleaning.private, "unknown": cleaning.unknown}
    return told if instruction.mode == "anonymise" else {**told, **sealed(instruction, header, original, cleaning.uids)}


def mark(header: Dataset, name: str) -> None:
    """The stand-in for the patient, and the statement that identity was removed and how (PS3.15 E.1.1)."""
    header.SpecificCharacterSet = "ISO_IR 192"
    header.PatientName = header.PatientID = name
    header.PatientIdentityRemoved = "YES"
    header.LongitudinalTemporalInformationModified = "MODIFIED"
    header.DeidentificationMethod = f"{NAME} {VERSION}"
    header.DeidentificationMethodCodeSequence = Sequence(code(each.value, each.meaning) for each in METHODS)


def code(value: str, meaning: str) -> Dataset:
    """An item of CID 7050."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def write_header(header: FileDataset, send: Send) -> None:
    """Preamble of zeros, file meta of our own, and the data set up to its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "ASSAY"
    header.file_meta, header.preamble = meta, PREAMBLE
    written = io.BytesIO()
    dcmwrite(written, header, enforce_file_format=True)
    send(written.getvalue())


def pixel_element(header: FileDataset, source: BinaryIO, start: int) -> Iterator[bytes]:
    """The bytes of the pixel data element as it stands in `source`. Raises `UnreadableFile` for a broken one.

    Its head is written anew: a file may say explicit and be written implicit, which pydicom finds out.
    """
    syntax = header.file_meta.TransferSyntaxUID
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    source.seek(start)
    head = source.read(SHORT_HEAD)
    if len(head) < SHORT_HEAD:
        raise refusal("unreadable_file.truncated")
    # no length of an implicit element reads like this: it would be odd
    was_implicit = head[4:6] not in PIXEL_VRS
    head += b"" if was_implicit else source.read(LONG_HEAD - SHORT_HEAD)
    (length,) = struct.unpack(f"{order}I", head[-4:])
    vr = b"" if syntax == ImplicitVRLittleEndian else vr_of(head, was_implicit, header) + bytes(2)
    if syntax.is_encapsulated:
        yield head[:4] + vr + struct.pack("<I", UNDEFINED)
        yield from encapsulated(source, syntax)
    else:
        expected = get_expected_length(header)
        even = expected + expected % 2
        yield head[:4] + vr + struct.pack(f"{order}I", even)
        yield from native(source, length, even)


def vr_of(head: bytes, was_implicit: bool, header: Dataset) -> bytes:
    """The representation of the pixel element as the file gives it, or as PS3.5 A.4 asks."""
    if not was_implicit and head[4:6] != b"UN":
        return head[4:6]
    return b"OB" if header.file_meta.TransferSyntaxUID.is_encapsulated else b"OW"


def native(source: BinaryIO, length: int, even: int) -> Iterator[bytes]:
    """No byte beyond what the pixels need, padded to an even length."""
    if length == UNDEFINED:
        raise refusal("unreadable_file.truncated")
    # the padding byte too where there is one: in words of big endian it stands before the last sample
    yield from copied(source, min(length, even))
    yield bytes(even - min(length, even))


def sealed(instruction: Instruction, header: Dataset, original: dict[str, Any], uids: dict[str, str]) -> dict[str, str]:
    """The way back, closed before it leaves the child: once for the study, and the UIDs of this file."""
    most = dict(list(uids.items())[:MOST_UIDS])
    bound = instruction.seal_key, instruction.tenant, str(header.StudyInstanceUID)
    return {
        "sealed_study": base64.b64encode(seal(*bound, {"module": original})).decode(),
        "sealed_file": base64.b64encode(seal(*bound, {"uids": most})).decode(),
    }
