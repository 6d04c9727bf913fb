"""One file by the profile, in the child that the product uses."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import get_nr_frames

from inference.deidentification.instruction import Instruction
from inference.deidentification.pseudonyms import uid_of
from inference.deidentification.sealing import Unopenable, unseal
from inference.deidentification.told import Deidentified, told_deidentification
from inference.domain.errors import UserError
from inference.intake.inspection import Inspection, inspect_file
from inference.intake.pixels import decode_pixels
from inference.intake.pool import Pool
from tests.inference.deidentification.canaries import DAY, UID, WORD, found_in, jpeg_photo, photo, planted
from tests.inference.intake.conftest import small
from tests.inference.intake.files import STUDY, dataset_of, dicom

pytestmark = pytest.mark.database_free


def cleaned(pool: Pool, content: bytes, instruction: Instruction) -> tuple[FileDataset, Inspection, bytes]:
    """The stored file, what is told of it, and its bytes."""
    out = bytearray()
    inspection = inspect_file(pool, content, out.extend, instruction)
    return dcmread(io.BytesIO(bytes(out))), inspection, bytes(out)


def commented(path: Path) -> bytes:
    """The file with a canary in a comment of each JPEG frame."""
    made = dcmread(path)
    frames = generate_frames(made.PixelData, number_of_frames=get_nr_frames(made))
    segment = b"\xff\xfe" + struct.pack(">H", len(WORD) + 2) + WORD.encode()
    made.PixelData = encapsulate([frame[:2] + segment + frame[2:] for frame in frames])
    file = io.BytesIO()
    made.save_as(file)
    return file.getvalue()


def work_of(inspection: Inspection) -> Deidentified:
    assert inspection.deidentified
    return inspection.deidentified


def test_no_attribute_of_the_standard_lets_a_canary_through(pool: Pool, pseudonymise: Instruction) -> None:
    content = planted()
    assert len(found_in(content)) == 4
    stored, inspection, out = cleaned(pool, content, pseudonymise)
    assert found_in(out) == []
    assert found_in(repr(inspection).encode()) == []
    assert work_of(inspection).private > 0
    assert np.array_equal(stored.pixel_array, dcmread(io.BytesIO(content)).pixel_array)


def test_control_without_an_instruction_the_child_tells_no_other_bytes(pool: Pool) -> None:
    out = bytearray()
    inspection = inspect_file(pool, planted(), out.extend)
    assert not out
    assert inspection.deidentified is None


def test_the_stored_file_says_that_and_how_identity_was_removed(pool: Pool, pseudonymise: Instruction) -> None:
    stored, _, out = cleaned(pool, dicom(preamble=b"MZ" + bytes(126)), pseudonymise)
    assert out[:128] == bytes(128)
    assert stored.PatientIdentityRemoved == "YES"
    assert stored.DeidentificationMethod.startswith("assay-basic")
    codes = [item.CodeValue for item in stored.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107", "113108"]
    assert stored.PatientName == stored.PatientID
    assert str(stored.PatientID).startswith("ANON-")
    assert set(stored.file_meta.dir()) == {
        "FileMetaInformationGroupLength", "FileMetaInformationVersion", "ImplementationClassUID",
        "ImplementationVersionName", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID",
    }  # fmt: skip
    assert stored.file_meta.MediaStorageSOPInstanceUID == stored.SOPInstanceUID


def test_the_same_file_is_stored_as_the_same_bytes_again(pool: Pool, pseudonymise: Instruction) -> None:
    content = dicom(SOPInstanceUID="1.2.3.4")
    assert cleaned(pool, content, pseudonymise)[2] == cleaned(pool, content, pseudonymise)[2]


def test_two_slices_stay_in_one_study_and_frame_of_reference(pool: Pool, pseudonymise: Instruction) -> None:
    one, _, _ = cleaned(pool, dicom(SOPInstanceUID="1.2.3.4", FrameOfReferenceUID="1.2.5"), pseudonymise)
    two, _, _ = cleaned(pool, dicom(SOPInstanceUID="1.2.3.5", FrameOfReferenceUID="1.2.5"), pseudonymise)
    assert one.StudyInstanceUID == two.StudyInstanceUID == uid_of(pseudonymise.pseudonym_key, STUDY)
    assert one.FrameOfReferenceUID == two.FrameOfReferenceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_references_between_files_lead_to_the_mapped_files(pool: Pool, pseudonymise: Instruction) -> None:
    reference = dataset_of(ReferencedSOPInstanceUID="1.2.3.4", ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    source, _, _ = cleaned(pool, dicom(SOPInstanceUID="1.2.3.4"), pseudonymise)
    derived, _, _ = cleaned(pool, dicom(SourceImageSequence=[reference]), pseudonymise)
    item = derived.SourceImageSequence[0]
    assert item.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert item.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_what_models_need_stays_and_the_time_between_studies_too(pool: Pool, pseudonymise: Instruction) -> None:
    kept = {"PatientSex": "F", "PatientAge": "052Y", "PatientWeight": 70, "PatientSize": "1.7", "KVP": 120}
    first, _, _ = cleaned(pool, dicom(StudyDate="20240101", StudyDescription="CT CHEST", **kept), pseudonymise)
    later, _, _ = cleaned(pool, dicom(StudyDate="20240131", StudyDescription="Mr Smith", **kept), pseudonymise)
    for name, value in kept.items():
        assert getattr(first, name) == value
    assert first.StudyDescription == "CT CHEST"
    assert "StudyDescription" not in later
    days = np.datetime64(f"{later.StudyDate[:4]}-{later.StudyDate[4:6]}-{later.StudyDate[6:]}") - np.datetime64(
        f"{first.StudyDate[:4]}-{first.StudyDate[4:6]}-{first.StudyDate[6:]}"
    )
    assert days == np.timedelta64(30, "D")
    assert first.StudyDate != "20240101"


def test_the_report_has_attributes_and_no_value(pool: Pool, pseudonymise: Instruction) -> None:
    _, inspection, _ = cleaned(pool, dicom(PatientBirthDate=DAY, StudyDate=DAY, OperatorsName=WORD), pseudonymise)
    work = work_of(inspection)
    assert work.counts["removed"]["PatientBirthDate"] == 1
    assert work.counts["emptied"]["OperatorsName"] == 1
    assert work.counts["shifted"]["StudyDate"] == 1
    assert work.counts["remapped"]["SOPInstanceUID"] == 1
    assert found_in(json.dumps(work.counts).encode()) == []


def test_the_way_back_opens_with_its_key_and_for_its_study_only(pool: Pool, pseudonymise: Instruction) -> None:
    content = dicom(
        StudyDate=DAY, FrameOfReferenceUID=UID, PatientName="Zanzibarry^Zoë", SpecificCharacterSet="ISO_IR 100"
    )
    stored, inspection, _ = cleaned(pool, content, pseudonymise)
    work = work_of(inspection)
    bound = pseudonymise.seal_key, "tenant", str(stored.StudyInstanceUID)
    module = Dataset.from_json(unseal(*bound, work.sealed_study)["module"])
    assert module.PatientName == "Zanzibarry^Zoë"
    assert module.StudyDate == DAY
    assert module.StudyInstanceUID == STUDY
    assert unseal(*bound, work.sealed_file)["uids"][str(stored.FrameOfReferenceUID)] == UID
    for other in ((b"x" * 32, *bound[1:]), (bound[0], "stranger", bound[2]), (*bound[:2], "1.2.3")):
        with pytest.raises(Unopenable):
            unseal(*other, work.sealed_study)
    with pytest.raises(Unopenable):
        unseal(*bound, work.sealed_study[:-1] + bytes([work.sealed_study[-1] ^ 1]))


def test_anonymised_files_have_no_way_back_and_do_not_tell_that_two_studies_are_of_one_patient(
    pool: Pool, anonymise: Instruction
) -> None:
    first, inspection, _ = cleaned(pool, dicom(StudyInstanceUID="1.2.1"), anonymise)
    second, _, _ = cleaned(pool, dicom(StudyInstanceUID="1.2.2"), anonymise)
    assert (work_of(inspection).sealed_study, work_of(inspection).sealed_file) == (b"", b"")
    assert first.PatientID != second.PatientID


@pytest.mark.parametrize("content", [photo(), jpeg_photo()], ids=["png", "jpeg"])
def test_pictures_lose_what_stands_beside_their_pixels(pool: Pool, pseudonymise: Instruction, content: bytes) -> None:
    out = bytearray()
    inspection = inspect_file(pool, content, out.extend, pseudonymise)
    assert found_in(content)
    assert found_in(bytes(out)) == []
    assert inspection.risks == ("picture",)


@pytest.mark.parametrize(
    ("attributes", "signs"),
    [
        ({}, ()),
        ({"BurnedInAnnotation": "YES"}, ("annotation",)),
        ({"Modality": "US"}, ("modality",)),
        ({"ImageType": ["DERIVED", "PRIMARY"]}, ("image_type",)),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "BurnedInAnnotation": "NO"}, ()),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, ("capture",)),
    ],
)
def test_signs_of_names_in_the_pixels(pool: Pool, attributes: dict[str, object], signs: tuple[str, ...]) -> None:
    assert inspect_file(pool, dicom(**attributes)).risks == signs


def test_native_pixels_carry_no_byte_more_than_they_need(pool: Pool, pseudonymise: Instruction) -> None:
    content = dicom(PixelData=np.arange(20, dtype=np.int16).tobytes() + WORD.encode())
    assert found_in(content)
    assert found_in(cleaned(pool, content, pseudonymise)[2]) == []


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "color3d_jpeg_baseline.dcm"])
def test_jpeg_frames_lose_the_comments_that_stand_in_them(pool: Pool, pseudonymise: Instruction, name: str) -> None:
    content = commented(small(name))
    assert found_in(content)
    stored, _, out = cleaned(pool, content, pseudonymise)
    assert found_in(out) == []
    assert np.array_equal(decode_pixels(pool, out), decode_pixels(pool, small(name)))
    assert stored.file_meta.TransferSyntaxUID.is_encapsulated


def test_a_reply_with_an_attribute_that_the_standard_does_not_have_is_not_taken() -> None:
    good = {"removed": {"PatientName": 1}, "private": 0, "unknown": 0}
    assert told_deidentification(good).counts["removed"] == {"PatientName": 1}
    for strange in ({"removed": {WORD: 1}}, {"private": -1}, {"sealed_file": "%%"}, {"removed": {"PatientName": "x"}}):
        with pytest.raises(UserError):
            told_deidentification({**good, **strange})
