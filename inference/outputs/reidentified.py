"""An output of a pseudonymised study as it leaves: with the patient, the study and the UIDs that were sent.

What is put back is what an output takes over from an original, by the same checks (`inference.outputs.attributes`): the
object is the one that would have been made of the files as they were sent, and an archive files it beside them. The
UIDs of the product's own objects, and the words of people, stay as they are. Nothing of it is stored.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from inference.deidentification.crosswalk import OriginalIdentity
from inference.intake.attributes import readable
from inference.outputs.attributes import PATIENT_AND_STUDY, checked
from inference.outputs.kinds import FHIR, ZIP
from inference.outputs.modules import encoded, packed
from inference.outputs.subject import DICOM_UID, OID, day, subject

Json = dict[str, Any]


def reidentified(content: bytes, media_type: str, original: OriginalIdentity) -> bytes:
    """`content`, an output of our own making, about `original`; the same bytes for the same arguments.

    Of a zip each member. The errors that the libraries raise may quote a header.
    """
    if media_type == FHIR:
        return fhir(content, original)
    if media_type == ZIP:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return packed([dicom(archive.read(name), original) for name in archive.namelist()])
    return dicom(content, original)


def dicom(content: bytes, original: OriginalIdentity) -> bytes:
    """One DICOM object."""
    made = dcmread(io.BytesIO(content))
    identify(made, sent(original))
    lead_back(made, original)
    return encoded(made)


def sent(original: OriginalIdentity) -> Dataset:
    """The valid attributes of patient and study that were sent, as an output has them."""
    return checked(dict(readable(original.module, list(PATIENT_AND_STUDY))))


def identify(made: Dataset, header: Dataset) -> None:
    """Replace patient and study. What the original did not say goes: it is of the pseudonym."""
    for name in PATIENT_AND_STUDY:
        if name in header:
            setattr(made, name, header.get(name))
        elif name in made:
            delattr(made, name)


def lead_back(made: Dataset, original: OriginalIdentity) -> None:
    """Replace each UID that was mapped, in sequences too."""
    for element in made.iterall():
        if element.VR != "UI" or not element.value:
            continue
        if isinstance(element.value, MultiValue):
            element.value = [original.uid(str(one)) for one in element.value]
        else:
            element.value = original.uid(str(element.value))


def fhir(content: bytes, original: OriginalIdentity) -> bytes:
    """The bundle of FHIR: subjects, UIDs and the day of the study."""
    bundle, header = json.loads(content), sent(original)
    for entry in bundle["entry"]:
        resource = entry["resource"]
        name_subject(resource, header)
        for identifier in resource.get("identifier", []):
            name_uid(identifier, original)
        if resource["resourceType"] == "ImagingStudy":
            name_study(resource, header, original)
    return json.dumps(bundle, ensure_ascii=False, sort_keys=True).encode()


def name_subject(resource: Json, header: Dataset) -> None:
    """The patient that was sent, where the resource has one with an identifier."""
    if "identifier" in resource.get("subject", {}):
        resource["subject"] = subject(str(header.PatientID), str(header.get("IssuerOfPatientID", "")))


def name_uid(identifier: Json, original: OriginalIdentity) -> None:
    """A UID of DICOM, which FHIR writes as a URN."""
    if identifier.get("system") == DICOM_UID:
        identifier["value"] = f"{OID}{original.uid(identifier['value'].removeprefix(OID))}"


def name_study(resource: Json, header: Dataset, original: OriginalIdentity) -> None:
    """Day, series and images of the study."""
    started = day(str(header.StudyDate))
    resource |= {"started": started} if started else {}
    for series in resource.get("series", []):
        for one in (series, *series.get("instance", [])):
            one["uid"] = original.uid(one["uid"])
