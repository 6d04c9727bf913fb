"""Outputs of a pseudonymised study over REST: the patient is in the answer, and nowhere in what is stored."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
from django.test import Client
from pydicom import dcmread

from inference.deidentification import rules
from inference.models import BurnedInPolicy, Crosswalk, DeidentificationMode
from tenants import datakeys
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.models import AuditEvent, User
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.deidentification.test_leaks import database, storage
from tests.inference.outputs import examples
from tests.inference.outputs.work import result_of

pytestmark = pytest.mark.django_db
WORD = "Zanzibarry"
SECRETS = (WORD, "Z-7788", examples.ROOT)
HEADER = "Assay-Identity"


def analysed(party: Party, mode: str) -> str:
    """The address of the outputs of a film that came in under this rule."""
    with tenant_context(party.tenant.id):
        rules.change(party.tenant.id, mode=DeidentificationMode(mode), burned_in=BurnedInPolicy.ACCEPT, actor="test")
    film = examples.drawn_film(PatientName=f"{WORD}^Karl", PatientID="Z-7788")
    result = result_of(party.tenant, [film], 1)
    return f"/v1/jobs/{encode('job', result.job_id)}"


@pytest.fixture
def job(clinic: Party) -> str:
    return analysed(clinic, "pseudonymise")


def found_in(content: bytes) -> list[str]:
    return [secret for secret in SECRETS if secret.encode() in content]


def listed(api: Api, job: str, kind: str) -> dict[str, Any]:
    return next(one for one in api.get(f"{job}/outputs").json()["data"] if one["kind"] == kind)


def at_portal(user: User, party: Party) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[TENANT_IN_SESSION] = str(party.tenant.id)
    session.save()
    return client


def reidentifications(party: Party) -> list[AuditEvent]:
    with tenant_context(party.tenant.id):
        return list(AuditEvent.objects.filter(action="study.reidentified").order_by("sequence"))


def test_the_patient_is_in_the_answer_and_in_nothing_that_is_stored(api: Api, clinic: Party, job: str) -> None:
    for kind in ("dicom_sr", "dicom_seg", "dicom_key_images", "dicom_pdf"):
        answer = api.get(f"{job}/outputs/{kind}")
        assert (answer.status_code, answer[HEADER]) == (200, "reidentified")
        made = dcmread(io.BytesIO(answer.content))
        assert (made.PatientName, made.StudyInstanceUID) == (f"{WORD}^Karl", f"{examples.ROOT}.1.1")
        assert found_in(answer.content) == list(SECRETS)
    bundle = api.get(f"{job}/outputs/fhir")
    assert found_in(bundle.content) == ["Z-7788", examples.ROOT]
    assert json.loads(bundle.content)["resourceType"] == "Bundle"
    assert (found_in(database()), found_in(storage(clinic))) == ([], [])


def test_control_with_the_rule_off_the_stored_object_names_the_patient(api: Api, clinic: Party) -> None:
    job = analysed(clinic, "off")
    answer = api.get(f"{job}/outputs/dicom_sr")
    assert answer[HEADER] == "stored"
    assert found_in(answer.content) == found_in(storage(clinic)) == list(SECRETS)
    assert api.get(f"{job}/outputs/dicom_sr?identity=pseudonym").content == answer.content
    assert reidentifications(clinic) == []


def test_the_stored_object_is_given_to_who_asks_for_the_pseudonym(api: Api, clinic: Party, job: str) -> None:
    answer = api.get(f"{job}/outputs/dicom_sr?identity=pseudonym")
    told = listed(api, job, "dicom_sr")
    assert answer[HEADER] == "stored"
    assert found_in(answer.content) == []
    assert (hashlib.sha256(answer.content).hexdigest(), answer["ETag"]) == (told["sha256"], f'"{told["sha256"]}"')
    assert reidentifications(clinic) == []
    delivered = api.get(f"{job}/outputs/dicom_sr")
    assert delivered["ETag"] == f'"{hashlib.sha256(delivered.content).hexdigest()}"' != answer["ETag"]


@pytest.mark.parametrize("wanted", ["original", "", "PSEUDONYM"])
def test_another_identity_is_refused_with_its_name(api: Api, job: str, wanted: str) -> None:
    answer = api.get(f"{job}/outputs/fhir?identity={wanted}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?identity")


def test_an_artifact_is_the_same_object_as_the_output(api: Api, clinic: Party, job: str) -> None:
    delivered = api.get(f"{job}/outputs/dicom_sr")
    (artifact,) = api.get(f"{job}/result").json()["artifacts"]
    same = api.get(artifact["url"])
    assert (same.content, same[HEADER], same["ETag"]) == (delivered.content, "reidentified", delivered["ETag"])
    kept = api.get(f"{artifact['url']}?identity=pseudonym")
    assert hashlib.sha256(kept.content).hexdigest() == artifact["sha256"]
    assert found_in(kept.content) == []


def test_each_re_identification_is_in_the_audit_log_without_the_patient(api: Api, clinic: Party, job: str) -> None:
    api.get(f"{job}/outputs/dicom_sr")
    at_portal(clinic.owner, clinic).get(f"{job}/outputs/fhir")
    events = reidentifications(clinic)
    assert [one.detail for one in events] == [{"purpose": "dicom_sr"}, {"purpose": "fhir"}]
    assert [one.actor[:4] for one in events] == ["key:", "usr_"]
    assert {one.subject[:4] for one in events} == {"std_"}


def test_owner_and_member_get_the_patient_and_a_stranger_does_not(clinic: Party, job: str) -> None:
    stranger = make_party("stranger")
    for user in (clinic.owner, clinic.member):
        page = at_portal(user, clinic).get(f"{job}/outputs/dicom_sr")
        assert found_in(page.content) == list(SECRETS)
    (artifact,) = Api(clinic.token).get(f"{job}/result").json()["artifacts"]
    before = len(reidentifications(clinic))
    for path in (f"{job}/outputs/dicom_sr", f"{job}/outputs/dicom_sr?identity=pseudonym", artifact["url"]):
        assert Api(stranger.token).get(path).status_code == 404
        assert at_portal(stranger.owner, stranger).get(path).status_code == 404
        assert Client().get(path).status_code == 401
    assert len(reidentifications(clinic)) == before


def test_of_an_anonymised_study_the_stored_object_is_given(api: Api, clinic: Party) -> None:
    job = analysed(clinic, "anonymise")
    answer = api.get(f"{job}/outputs/dicom_sr")
    assert (answer.status_code, answer[HEADER], found_in(answer.content)) == (200, "stored", [])


def test_after_the_key_is_dropped_the_stored_object_is_given_and_says_so(api: Api, clinic: Party, job: str) -> None:
    assert api.get(f"{job}/outputs/dicom_sr")[HEADER] == "reidentified"
    with tenant_context(clinic.tenant.id):
        assert datakeys.drop(clinic.tenant.id, actor="test")
    answer = api.get(f"{job}/outputs/dicom_sr")
    assert (answer.status_code, answer[HEADER], found_in(answer.content)) == (200, "erased", [])
    assert answer["ETag"] == f'"{listed(api, job, "dicom_sr")["sha256"]}"'
    # a new key of the tenant opens nothing that the old one closed
    with tenant_context(clinic.tenant.id):
        datakeys.of(clinic.tenant.id)
    assert api.get(f"{job}/outputs/dicom_sr")[HEADER] == "erased"
    assert len(reidentifications(clinic)) == 1


def test_an_altered_way_back_gives_no_object_at_all(api: Api, clinic: Party, job: str) -> None:
    api.get(f"{job}/outputs/dicom_sr")
    with tenant_context(clinic.tenant.id):
        Crosswalk.objects.update(sealed=b"0" * 64)
    api.client.raise_request_exception = False
    assert api.get(f"{job}/outputs/dicom_sr").status_code == 500
