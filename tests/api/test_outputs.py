"""Outputs over REST and in the portal: owner, member, stranger, and what each answer says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client
from pydicom import dcmread

from inference import studies
from inference.models import Job, Result
from inference.outputs.kinds import KINDS
from tenants import keys
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import AuditEvent, User
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.outputs import examples
from tests.inference.outputs.work import result_of
from tests.inference.work import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(clinic: Party) -> str:
    """The job of a result with two findings on two radiographs."""
    return job_of(result_of(clinic.tenant, examples.EXAMPLES["drawn films"](), 1, 2))


@pytest.fixture
def pictures(clinic: Party) -> str:
    return job_of(result_of(clinic.tenant, [picture(3).getvalue()], 1))


def job_of(result: Result) -> str:
    return encode("job", result.job_id)


def address(job: str, kind: str = "") -> str:
    return f"/v1/jobs/{job}/outputs{'/' * bool(kind)}{kind}"


def listed(api: Api, job: str) -> dict[str, Any]:
    return {one["kind"]: one for one in api.get(address(job)).json()["data"]}


def test_the_list_says_what_can_be_had_and_where(api: Api, film: str) -> None:
    answer = listed(api, film)
    assert list(answer) == list(KINDS)
    assert {(one["available"], one["code"], one["sha256"]) for one in answer.values()} == {(True, None, None)}
    assert answer["fhir"]["media_type"] == "application/fhir+json"
    assert answer["dicom_sr"]["url"].endswith(address(film, "dicom_sr"))


def test_a_structured_report_comes_as_a_dicom_file(api: Api, film: str) -> None:
    answer = api.get(address(film, "dicom_sr"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/dicom")
    assert answer["Content-Disposition"] == f'attachment; filename="{film}-dicom_sr.dcm"'
    assert dcmread(io.BytesIO(answer.content)).StudyInstanceUID == f"{examples.ROOT}.1.1"
    assert api.get(address(film, "dicom_sr")).content == answer.content
    told = listed(api, film)["dicom_sr"]
    assert (answer["ETag"], told["size_bytes"], told["revision"]) == (f'"{told["sha256"]}"', len(answer.content), 0)


def test_several_objects_come_as_a_zip(api: Api, film: str) -> None:
    answer = api.get(address(film, "dicom_seg"))
    assert (answer["Content-Type"], answer.content[:2]) == ("application/zip", b"PK")
    assert listed(api, film)["dicom_seg"]["media_type"] == "application/zip"


def test_what_was_made_stands_among_the_artifacts_of_the_result(api: Api, film: str) -> None:
    path = f"/v1/jobs/{film}/result"
    assert api.get(path).json()["artifacts"] == []
    made = api.get(address(film, "fhir"))
    (artifact,) = api.get(path).json()["artifacts"]
    assert (artifact["kind"], artifact["revision"], artifact["language"]) == ("fhir", 0, None)
    assert api.get(artifact["url"]).content == made.content


def test_a_document_comes_in_the_language_that_is_asked_for(api: Api, film: str) -> None:
    for language in ("en", "zh"):
        assert api.get(f"{address(film, 'dicom_pdf')}?lang={language}").status_code == 200
    assert api.get(f"{address(film, 'dicom_pdf')}?lang=fr").status_code == 422
    made = api.get(f"/v1/jobs/{film}/result").json()["artifacts"]
    assert [one["language"] for one in made] == ["en", "zh"]


def test_each_export_is_in_the_audit_log_without_the_patient(api: Api, film: str) -> None:
    api.get(address(film, "dicom_sr"))
    with operator_context():
        event = AuditEvent.objects.get(action="result.exported")
    assert (event.detail, event.actor[:4]) == ({"kind": "dicom_sr", "revision": 0}, "key:")
    assert event.subject.startswith("res_")


def test_pictures_answer_with_a_code_and_a_sentence(api: Api, pictures: str) -> None:
    answer = api.get(address(pictures, "dicom_sr"))
    assert (answer.status_code, answer.json()["code"]) == (409, "output_needs_dicom")
    told = listed(api, pictures)
    assert [one["code"] for one in told.values()] == ["output_needs_dicom"] * 4 + [None]
    assert "FHIR" in told["dicom_sr"]["detail"]
    assert json.loads(api.get(address(pictures, "fhir")).content)["resourceType"] == "Bundle"


def test_with_the_study_its_outputs_are_gone_made_or_not(api: Api, film: str, clinic: Party) -> None:
    assert api.get(address(film, "dicom_sr")).status_code == 200
    with tenant_context(clinic.tenant.id):
        study = Job.objects.get().study
        assert study
        studies.delete(study, actor="test")
    for kind in ("dicom_sr", "dicom_seg"):
        answer = api.get(address(film, kind))
        assert (answer.status_code, answer.json()["code"]) == (410, "purged"), kind


@pytest.mark.parametrize("kind", ["nothing", "DICOM_SR", "fhir/"])
def test_an_unknown_kind_is_like_an_unknown_address(api: Api, film: str, kind: str) -> None:
    assert api.get(address(film, kind)).json()["code"] == "not_found"


def at_portal(user: User, party: Party) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[TENANT_IN_SESSION] = str(party.tenant.id)
    session.save()
    return client


def test_owner_and_member_may_and_a_stranger_may_not(clinic: Party, film: str) -> None:
    stranger = make_party("stranger")
    for path in (address(film), address(film, "fhir")):
        for user in (clinic.owner, clinic.member):
            assert at_portal(user, clinic).get(path).status_code == 200
        assert at_portal(stranger.owner, stranger).get(path).status_code == 404
        assert Api(stranger.token).get(path).status_code == 404
        assert Client().get(path).status_code == 401


def test_a_key_without_the_scope_may_not(clinic: Party, film: str) -> None:
    with tenant_context(clinic.tenant.id):
        issued = keys.issue(clinic.tenant, "narrow", ["billing:read"], actor="test")
    assert Api(issued.token).get(address(film, "fhir")).status_code == 403


def test_the_result_page_offers_what_can_be_had(clinic: Party, film: str, pictures: str) -> None:
    client = at_portal(clinic.owner, clinic)
    page = client.get(f"/jobs/{film}").content.decode()
    for kind in KINDS:
        assert f'href="{address(film, kind)}" download' in page
    page = client.get(f"/jobs/{pictures}").content.decode()
    assert f'href="{address(pictures, "fhir")}" download' in page
    assert address(pictures, "dicom_sr") not in page
    assert page.count("was not sent as DICOM") == 1
