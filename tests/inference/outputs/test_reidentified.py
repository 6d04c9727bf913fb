"""Outputs of a pseudonymised study on their way out: those that the files as they were sent would have given."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from inference.deidentification import rules
from inference.deidentification.crosswalk import OriginalIdentity, original_of
from inference.models import BurnedInPolicy, DeidentificationMode, Study
from inference.outputs import store
from inference.outputs.kinds import FHIR, KINDS, ZIP_START
from inference.outputs.material import Material
from inference.outputs.reidentified import reidentified
from inference.outputs.source import Source
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.conftest import Party
from tests.inference.outputs import examples
from tests.inference.outputs.test_seg import objects
from tests.inference.outputs.tools import dciodvfy_errors, fhir_errors
from tests.inference.outputs.work import result_of, stored

pytestmark = pytest.mark.django_db
FILES = {
    "drawn films": lambda: [examples.drawn_film(number, IssuerOfPatientID="Ward 7") for number in (1, 2)],
    "CT": lambda: examples.slices("CT"),
}


@dataclass(frozen=True)
class Examination:
    """One result on a study that was pseudonymised: the material of each kind, stored and as it was sent."""

    kept: dict[str, Material]
    sent: dict[str, Material]
    original: OriginalIdentity

    def built(self, kind: str) -> bytes:
        return KINDS[kind].build(self.kept[kind])

    def delivered(self, kind: str) -> bytes:
        content = self.built(kind)
        return reidentified(content, KINDS[kind].type_of(content), self.original)


def pseudonymised(tenant: Tenant, files: list[bytes]) -> Examination:
    with tenant_context(tenant.id):
        rules.change(tenant.id, mode=DeidentificationMode.PSEUDONYMISE, burned_in=BurnedInPolicy.ACCEPT, actor="test")
    result = result_of(tenant, files, 1, 2)
    with tenant_context(tenant.id):
        study = Study.objects.get()
        names = list(stored(study).images)
        orders = {name: store.ordered(result, kind, "en") for name, kind in KINDS.items() if name != "dicom_pdf"}
        original = original_of(study)
    assert original is not None
    kept = {name: store.gathered(order) for name, order in orders.items()}
    kept["dicom_pdf"] = replace(kept["dicom_key_images"], document=b"%PDF-1.7 a report", language="en")
    return Examination(kept, {name: as_sent(one, files, names) for name, one in kept.items()}, original)


def as_sent(kept: Material, files: list[bytes], names: list[str]) -> Material:
    """The same material with the headers of the files as they were sent."""
    source = examples.source_of(files)
    images = dict(zip(names, source.images.values(), strict=True))
    return replace(kept, source=Source(source.study, {name: images[name] for name in kept.source.images}))


@pytest.fixture(params=list(FILES))
def examination(request: pytest.FixtureRequest, clinic: Party) -> Examination:
    return pseudonymised(clinic.tenant, FILES[request.param]())


def uids(made: Dataset) -> Iterator[str]:
    for element in made.iterall():
        if element.VR == "UI" and element.value:
            yield from [str(element.value)] if isinstance(element.value, str) else map(str, element.value)


def test_what_leaves_is_what_would_have_been_made_of_the_files_as_they_were_sent(
    examination: Examination, tmp_path: Path
) -> None:
    for kind in KINDS:
        expected, delivered = KINDS[kind].build(examination.sent[kind]), examination.delivered(kind)
        assert examination.built(kind) != expected, kind
        assert delivered == expected, kind
        assert delivered == examination.delivered(kind), kind
        if kind == "fhir":
            assert fhir_errors(json.loads(delivered)) == []
        else:
            assert [error for one in objects(delivered) for error in dciodvfy_errors(one, tmp_path)] == []


def test_no_uid_and_no_word_of_the_pseudonym_is_left(examination: Examination) -> None:
    for kind in KINDS:
        content = examination.built(kind)
        # control: the stored object has them
        assert any(found.encode() in whole(content) for found in examination.original.uids), kind
        assert b"ANON-" in whole(content), kind
        left = whole(examination.delivered(kind))
        assert [found for found in (*examination.original.uids, "ANON-") if found.encode() in left] == [], kind


def whole(content: bytes) -> bytes:
    """The objects of an output one after the other."""
    return b"".join(objects(content)) if content.startswith(ZIP_START) else content


def test_the_object_is_filed_in_the_study_of_the_patient_who_was_sent(clinic: Party) -> None:
    files = FILES["CT"]()
    examination = pseudonymised(clinic.tenant, files)
    header = dcmread(io.BytesIO(files[0]))
    sent_instances = {str(dcmread(io.BytesIO(one)).SOPInstanceUID) for one in files}
    for kind in ("dicom_sr", "dicom_seg"):
        for content in objects(examination.delivered(kind)):
            made = dcmread(io.BytesIO(content))
            for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                         "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):  # fmt: skip
                assert made[name].value == header[name].value, name
            assert sent_instances & set(uids(made))
            # the product's own objects keep their own UIDs
            own = dcmread(io.BytesIO(objects(examination.built(kind))[0]))
            assert (made.SeriesInstanceUID, made.SOPInstanceUID) == (own.SeriesInstanceUID, own.SOPInstanceUID)


def test_what_the_original_did_not_say_is_not_said_of_the_pseudonym(clinic: Party) -> None:
    film = examples.drawn_film(PatientID=None, StudyDate=None, AccessionNumber=None)
    examination = pseudonymised(clinic.tenant, [film])
    assert b"ANON-" in examination.built("dicom_sr")
    made = dcmread(io.BytesIO(examination.delivered("dicom_sr")))
    assert (made.PatientID, made.StudyDate, made.AccessionNumber) == ("", "", "")
    assert made.PatientName == "王^小东"


def test_an_attribute_that_is_not_valid_is_left_out_as_it_is_of_any_output(clinic: Party) -> None:
    examination = pseudonymised(clinic.tenant, [examples.drawn_film(PatientID="P" * 64, PatientSex="M")])
    examination.original.module.PatientID = "P" * 65
    examination.original.module.PatientSex = "X"
    made = dcmread(io.BytesIO(examination.delivered("dicom_sr")))
    assert (made.PatientID, made.PatientSex, made.PatientName) == ("", "", "王^小东")


def test_words_that_are_alike_stay_in_fhir() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {
            "resourceType": "DiagnosticReport", "conclusion": "ANON-1 and 2.25.7",
            "subject": {"type": "Patient", "identifier": {"value": "ANON-1"}},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "2.25.7"}],
        }}],
    }  # fmt: skip
    module = Dataset()
    module.PatientID = "P-77"
    told = reidentified(json.dumps(bundle).encode(), FHIR, OriginalIdentity({"2.25.7": "1.2.3"}, module))
    (entry,) = json.loads(told)["entry"]
    assert entry["resource"]["conclusion"] == "ANON-1 and 2.25.7"
    assert entry["resource"]["identifier"][0]["value"] == "2.25.7"
    assert entry["resource"]["subject"] == {"type": "Patient", "identifier": {"value": "P-77"}}


@pytest.mark.parametrize(("first", "is_told"), [("inference.deidentification.crosswalk", False), ("json", True)])
def test_an_odd_value_of_the_original_is_not_quoted_on_standard_error(first: str, is_told: bool) -> None:
    """The control imports another module instead. In a process of its own, for pytest has warnings of its own."""
    lines = [
        "import django; django.setup()",
        f"import {first}",
        "from pydicom.dataset import Dataset",
        "Dataset.from_json({'00100030': {'vr': 'DA', 'Value': ['Zanzibarry']}})",
    ]
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert ("Zanzibarry" in ran.stderr) is is_told
