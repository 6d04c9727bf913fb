"""How long things are kept, what may not be deleted, and the certificate of what was."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from billing.models import UsageEvent
from inference import studies
from inference.deidentification import rules as privacy
from inference.intake import storage
from inference.intake.receive import receive
from inference.models import (
    Artifact,
    BurnedInPolicy,
    DeidentificationMode,
    Instance,
    Job,
    LegalHold,
    Result,
    RetentionKind,
    Study,
)
from inference.retention import certificates, legal_holds, purge, rules
from tenants import audit, datakeys, keys
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import AuditEvent, User
from tests.api.conftest import Api
from tests.conftest import Party
from tests.inference.intake.files import dicom
from tests.inference.work import picture, study_of, submit, work

LATER = timedelta(days=31)


def keep_for(party: Party, **days: int | None) -> None:
    with tenant_context(party.tenant.id):
        rules.change(party.tenant.id, {RetentionKind(kind): number for kind, number in days.items()}, actor="test")


def in_a_month() -> datetime:
    return timezone.now() + LATER


def finished(party: Party, study: Study, artifact: bytes = b"picture") -> Job:
    """A job with a result that has one artifact."""
    job = submit(party.tenant, study)
    work()
    with tenant_context(party.tenant.id):
        sha256 = storage.put_bytes(party.tenant.id, artifact)
        result = Result.objects.get(job=job)
        Artifact.objects.create(
            tenant=party.tenant, result=result, kind="key_image", media_type="image/png", sha256=sha256,
            size_bytes=len(artifact),
        )  # fmt: skip
    return job


def digests(party: Party) -> set[str]:
    with tenant_context(party.tenant.id):
        rows: Iterable[str] = [*Instance.objects.values_list("sha256", flat=True)]
        return {*rows, *Artifact.objects.values_list("sha256", flat=True)}


def count(party: Party, model: Any) -> int:
    with tenant_context(party.tenant.id):
        found: int = model.objects.count()
        return found


def test_without_a_rule_everything_is_kept(clinic: Party, study: Study) -> None:
    finished(clinic, study)
    assert purge.run(in_a_month() + timedelta(days=9_000)) == 0
    assert count(clinic, Study) == count(clinic, Result) == 1


def test_a_study_past_its_time_goes_with_bytes_and_artifacts_and_is_certified(
    clinic: Party, study: Study, django_capture_on_commit_callbacks: Any
) -> None:
    job = finished(clinic, study)
    kept = digests(clinic)
    size = study_size(clinic)
    keep_for(clinic, studies=30)
    assert purge.run(timezone.now()) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert purge.run(in_a_month()) == 1
    assert not any(storage.exists(clinic.tenant.id, digest) for digest in kept)
    assert (count(clinic, Study), count(clinic, Artifact), count(clinic, Result)) == (0, 0, 1)
    api, identity = Api(clinic.token), encode("std", study.id)
    told = api.get(f"/v1/studies/{identity}/certificate").json()
    assert (told["deleted"], told["rule"], told["actor"]) == (identity, "studies:30d", "retention")
    assert (told["files"], told["bytes"]) == (2, size)
    assert api.get(f"/v1/studies/{identity}").json()["code"] == "purged"
    assert api.get(f"/v1/studies/{identity}").status_code == 410
    assert api.get(f"/v1/jobs/{encode('job', job.id)}/result").status_code == 200
    assert audit.verify() == []


def study_size(party: Party) -> int:
    with tenant_context(party.tenant.id):
        rows = [*Instance.objects.values_list("size_bytes", flat=True)]
        return sum([*rows, *Artifact.objects.values_list("size_bytes", flat=True)])


def test_bytes_that_another_study_holds_too_stay_until_its_deletion(
    clinic: Party, django_capture_on_commit_callbacks: Any
) -> None:
    first = receive(clinic.tenant, [("a.png", picture(1))]).study
    second = receive(clinic.tenant, [("a.png", picture(1)), ("b.png", picture(2))]).study
    assert first.pk != second.pk
    with tenant_context(clinic.tenant.id):
        (shared,) = first.instances.values_list("sha256", flat=True)
        with django_capture_on_commit_callbacks(execute=True):
            studies.delete(first, actor="test")
        assert storage.exists(clinic.tenant.id, shared)
        with django_capture_on_commit_callbacks(execute=True):
            studies.delete(second, actor="test")
    assert not storage.exists(clinic.tenant.id, shared)


def test_a_result_past_its_time_answers_410_and_its_bill_stays(clinic: Party, study: Study) -> None:
    job = finished(clinic, study)
    keep_for(clinic, results=30)
    assert purge.run(in_a_month()) == 1
    assert purge.run(in_a_month()) == 0
    api, identity = Api(clinic.token), encode("job", job.id)
    answer = api.get(f"/v1/jobs/{identity}/result")
    assert (answer.status_code, answer.json()["code"]) == (410, "purged")
    assert api.get(f"/v1/jobs/{identity}/report").status_code == 410
    assert api.get(f"/v1/jobs/{identity}").json()["state"] == "succeeded"
    with operator_context():
        assert UsageEvent.objects.filter(tenant=clinic.tenant).count() == 1
    client = Client()
    client.force_login(clinic.owner)
    assert client.get(f"/jobs/{identity}").status_code == 200


def test_artifacts_have_a_time_of_their_own(
    clinic: Party, study: Study, django_capture_on_commit_callbacks: Any
) -> None:
    finished(clinic, study)
    with tenant_context(clinic.tenant.id):
        digest = Artifact.objects.get().sha256
    keep_for(clinic, artifacts=30)
    with django_capture_on_commit_callbacks(execute=True):
        assert purge.run(in_a_month()) == 1
    assert purge.run(in_a_month()) == 0
    assert not storage.exists(clinic.tenant.id, digest)
    assert (count(clinic, Artifact), count(clinic, Result), count(clinic, Study)) == (0, 1, 1)


def test_an_input_that_was_sent_along_is_forgotten(clinic: Party, study: Study) -> None:
    job = finished(clinic, study)
    with tenant_context(clinic.tenant.id):
        Job.objects.filter(pk=job.pk).update(inline={"text": "words"})
    keep_for(clinic, inputs=30)
    assert purge.run(in_a_month()) == 1
    with tenant_context(clinic.tenant.id):
        assert Job.objects.get(pk=job.pk).inline is None


def test_a_study_that_a_job_needs_waits(clinic: Party, study: Study) -> None:
    submit(clinic.tenant, study)
    keep_for(clinic, studies=30)
    assert purge.due(in_a_month()) == []
    work()
    assert [one.public_id for one in purge.due(in_a_month())] == [encode("std", study.id)]


def test_nobody_deletes_what_is_under_a_legal_hold(clinic: Party, study: Study) -> None:
    finished(clinic, study)
    keep_for(clinic, studies=30, results=30, artifacts=30)
    api, path = Api(clinic.token), f"/v1/studies/{encode('std', study.id)}"
    assert api.post(f"{path}/legal_hold").json()["legal_hold"] is True
    assert api.get(path).json()["legal_hold"] is True
    assert purge.run(in_a_month()) == 0
    refused = api.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
    assert api.delete(f"{path}/legal_hold").json()["legal_hold"] is False
    assert api.delete(path).status_code == 204
    with tenant_context(clinic.tenant.id):
        actions = list(AuditEvent.objects.filter(action__startswith="legal_hold").values_list("action", flat=True))
    assert sorted(actions) == ["legal_hold.lifted", "legal_hold.placed"]


def test_a_hold_placed_between_the_look_and_the_deletion_is_kept(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_for(clinic, studies=30)
    found = purge.due(in_a_month())
    with tenant_context(clinic.tenant.id):
        legal_holds.place(study, actor="test")
    monkeypatch.setattr(purge, "due", lambda now: found)
    assert purge.run(in_a_month()) == 0
    assert count(clinic, Study) == count(clinic, LegalHold) == 1


def test_control_without_the_hold_the_same_run_deletes(clinic: Party, study: Study) -> None:
    keep_for(clinic, studies=30)
    assert purge.run(in_a_month()) == 1


def test_a_stranger_and_a_key_without_the_scope_place_no_hold(clinic: Party, charlie: Party, study: Study) -> None:
    path = f"/v1/studies/{encode('std', study.id)}"
    assert Api(charlie.token).post(f"{path}/legal_hold").status_code == 404
    with tenant_context(clinic.tenant.id):
        studies.delete(study, actor="test")
    assert Api(charlie.token).get(f"{path}/certificate").status_code == 404
    assert Api(charlie.token).get(path).status_code == 404


def test_a_dry_run_tells_and_deletes_nothing(clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_for(clinic, studies=30)
    then = in_a_month()
    monkeypatch.setattr(timezone, "now", lambda: then)
    out = io.StringIO()
    call_command("retention", "run", "--dry-run", stdout=out)
    assert encode("std", study.id) in out.getvalue()
    assert "studies:30d" in out.getvalue()
    assert count(clinic, Study) == 1
    call_command("retention", "run", stdout=out)
    assert out.getvalue().endswith("1 deleted\n")
    assert count(clinic, Study) == 0


def test_one_tenants_rule_leaves_anothers_studies_alone(clinic: Party, charlie: Party, study: Study) -> None:
    study_of(charlie.tenant)
    keep_for(clinic, studies=30)
    assert purge.run(in_a_month()) == 1
    assert count(charlie, Study) == 1


def test_the_certificate_shows_a_uid_to_who_has_the_key_and_to_nobody_else(clinic: Party) -> None:
    study = receive(clinic.tenant, [("a", io.BytesIO(dicom(StudyInstanceUID="1.2.77")))]).study
    identity = encode("std", study.id)
    with tenant_context(clinic.tenant.id):
        key = datakeys.of(clinic.tenant.id).derived(certificates.PURPOSE)
        studies.delete(study, actor="usr_1")
        event = certificates.of_subject(clinic.tenant.id, identity)
    assert event is not None
    told = certificates.as_json(event)
    assert told["study_uid_hmac"] == certificates.hmac_of(key, ["1.2.77"])
    assert "1.2.77" not in json.dumps(told)
    assert told["chain"]["hash"] == audit.digest(event)


def test_the_owner_sets_times_and_fetches_certificates_at_the_portal_and_a_member_does_not(
    clinic: Party, charlie: Party, study: Study
) -> None:
    owner, member, stranger = Client(), Client(), Client()
    for client, user in ((owner, clinic.owner), (member, clinic.member), (stranger, charlie.owner)):
        client.force_login(user)
    form = {"studies": "30", "results": "", "artifacts": "7", "inputs": ""}
    assert owner.post("/retention", form).status_code == 302
    assert member.post("/retention", form).status_code == 403
    with tenant_context(clinic.tenant.id):
        kept = rules.of(clinic.tenant.id)
    assert {kind.value: days for kind, days in kept.items()} == {
        "studies": 30, "results": None, "artifacts": 7, "inputs": None
    }  # fmt: skip
    for strange in ("0", "-3", "many", "99999"):
        owner.post("/retention", {**form, "studies": strange})
        with tenant_context(clinic.tenant.id):
            assert rules.of(clinic.tenant.id)[RetentionKind.STUDIES] == 30
    assert b'value="30"' in owner.get("/privacy").content
    identity = encode("std", study.id)
    with tenant_context(clinic.tenant.id):
        studies.delete(study, actor="test")
        event = certificates.of_subject(clinic.tenant.id, identity)
    assert event is not None
    page = f"/deletions/{encode('evt', event.id)}"
    assert identity in owner.get("/deletions").content.decode()
    assert owner.get(page).json()["rule"] == "request"
    assert member.get(page).status_code == 403
    assert stranger.get(page).status_code == 404


def test_the_operator_erases_in_the_admin_but_not_past_a_legal_hold(clinic: Party, study: Study) -> None:
    root = User.objects.create_superuser("root@house.example", "a long password")
    client = Client()
    client.force_login(root)
    with tenant_context(clinic.tenant.id):
        legal_holds.place(study, actor="test")

    def act(action: str) -> None:
        form = {"action": action, "_selected_action": [str(study.pk)]}
        assert client.post("/admin/inference/study/", form).status_code == 302

    act("erase")
    assert count(clinic, Study) == 1
    act("lift_hold")
    act("erase")
    assert count(clinic, Study) == 0
    with tenant_context(clinic.tenant.id):
        event = certificates.of_subject(clinic.tenant.id, encode("std", study.id))
    assert event is not None
    assert event.actor == f"operator:{root.pk}"


def erased(api: Api, patient_id: str) -> Any:
    return api.post("/v1/erasures", {"patient_id": patient_id}, HTTP_IDEMPOTENCY_KEY=f"erase {len(patient_id)}")


def test_a_patients_studies_are_erased_by_the_id_that_is_written_nowhere(clinic: Party, charlie: Party) -> None:
    for party in (clinic, charlie):
        for uid in ("1.2.1", "1.2.2"):
            receive(party.tenant, [("a", io.BytesIO(dicom(StudyInstanceUID=uid, PatientID="Zanzibarry-1")))])
    receive(clinic.tenant, [("a", io.BytesIO(dicom(StudyInstanceUID="1.2.3", PatientID="another")))])
    with tenant_context(clinic.tenant.id):
        legal_holds.place(Study.objects.get(study_uid="1.2.2"), actor="test")
    answer = erased(Api(clinic.token), "Zanzibarry-1")
    assert answer.status_code == 200, answer.content
    assert [one["rule"] for one in answer.json()["certificates"]] == ["patient"]
    assert [one["code"] for one in answer.json()["kept"]] == ["legal_hold"]
    assert (count(clinic, Study), count(charlie, Study)) == (2, 2)
    with tenant_context(clinic.tenant.id):
        told = json.dumps([one.detail for one in AuditEvent.objects.all()])
    assert "Zanzibarry" not in told
    assert erased(Api(clinic.token), "nobody").json()["certificates"] == []


def test_pseudonymised_studies_are_found_by_the_original_id(clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        privacy.change(
            clinic.tenant.id, mode=DeidentificationMode.PSEUDONYMISE, burned_in=BurnedInPolicy.ACCEPT, actor="test"
        )
    receive(clinic.tenant, [("a", io.BytesIO(dicom(PatientID="Zanzibarry-1")))])
    assert len(erased(Api(clinic.token), "Zanzibarry-1").json()["certificates"]) == 1
    assert count(clinic, Study) == 0


def test_a_key_without_the_scope_erases_nobody(clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        token = keys.issue(clinic.tenant, "work", ["studies:write"], actor="test").token
    assert erased(Api(token), "another").status_code == 403
