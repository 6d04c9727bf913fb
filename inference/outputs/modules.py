"""What all DICOM objects of ours have in common: patient and study of the original, series, equipment, dates."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset

from inference.outputs.identity import uid
from inference.outputs.material import Material

# its warnings quote the names that it finds odd
warnings.filterwarnings("ignore", module="highdicom")

MANUFACTURER = "Assay"
UTF8 = "ISO_IR 192"
LONG_STRING = 64
UNSIGNED = "not for diagnostic use"
# of the original, where a constructor does not take them over by itself
COPIED = ("IssuerOfPatientID", "StudyDescription")
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def identification(material: Material, kind: str, series_number: int, part: int = 1) -> dict[str, Any]:
    """The keywords that every constructor takes: UIDs and numbers, what made the object, and how it is described."""
    analysis, revision = material.analysis, material.reading.revision
    key = (kind, revision, material.language)
    return {
        "series_instance_uid": uid(analysis.result_id, *key, "series"),
        "series_number": series_number,
        "sop_instance_uid": uid(analysis.result_id, *key, part),
        "instance_number": part,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": analysis.slug[:LONG_STRING],
        "software_versions": analysis.version[:LONG_STRING],
        "device_serial_number": analysis.weights_sha256[:LONG_STRING],
        "series_description": description(material),
        "specific_character_set": UTF8,
    }


def inherited(original: Dataset) -> dict[str, Any]:
    """Patient and study of the original, for constructors that do not take them from it."""
    return {
        "study_instance_uid": original.StudyInstanceUID,
        "patient_id": original.get("PatientID"),
        "patient_name": original.get("PatientName"),
        "patient_birth_date": original.get("PatientBirthDate"),
        "patient_sex": original.get("PatientSex"),
        "accession_number": original.get("AccessionNumber"),
        "study_id": original.get("StudyID"),
        "study_date": original.get("StudyDate"),
        "study_time": original.get("StudyTime"),
        "referring_physician_name": original.get("ReferringPhysicianName"),
    }


def description(material: Material) -> str:
    """The series' name in an archive; it says how far the result may be trusted."""
    title, ending = material.analysis.title, "signed" if material.is_signed else UNSIGNED
    room = LONG_STRING - len("AI : ") - len(ending)
    return f"AI {title[:room].rstrip()}: {ending}"


def settled(made: Dataset, material: Material, original: Dataset) -> Dataset:
    """The object with what the constructors leave out or take from the clock."""
    moment = material.moment
    made.InstanceCreationDate, made.InstanceCreationTime = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
    for name in ("Content", "Series"):
        setattr(made, f"{name}Date", made.InstanceCreationDate)
        setattr(made, f"{name}Time", made.InstanceCreationTime)
    for equipment in made.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = moment.strftime("%Y%m%d%H%M%S")
    for name in COPIED:
        if name in original:
            setattr(made, name, original.get(name))
    return made


def encoded(made: Dataset) -> bytes:
    """The object as a DICOM file."""
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def packed(objects: Sequence[bytes]) -> bytes:
    """One object as it is; several as a zip whose bytes depend on nothing but theirs."""
    if len(objects) == 1:
        return objects[0]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(objects, start=1):
            entry = zipfile.ZipInfo(f"{number:03}.dcm", ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file.getvalue()
