"""The rule, holds and refusals, the way back, and the keys; who may do what."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client

from inference import jobs
from inference.deidentification import holds, rules
from inference.deidentification.crosswalk import original_of
from inference.domain.errors import InternalError
from inference.intake.outcome import NothingTaken
from inference.intake.receive import receive
from inference.models import Crosswalk, Deidentification, Hold, Instance, Study
from tenants import datakeys
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import AuditEvent, DataKey, Membership, Role, User
from tests.api.conftest import Api
from tests.conftest import Party
from tests.inference.deidentification.conftest import SetRule
from tests.inference.intake.files import STUDY, dicom
from tests.inference.work import SLUG, picture, submit


def received(party: Party, *contents: bytes) -> Study:
    return receive(party.tenant, [(f"{n}.dcm", io.BytesIO(one)) for n, one in enumerate(contents)]).study


def at_portal(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def actions(party: Party) -> list[str]:
    with tenant_context(party.tenant.id):
        return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def test_without_a_rule_files_are_kept_as_they_come(clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        rule = rules.of(clinic.tenant.id)
    assert (rule.mode, rule.burned_in) == ("off", "accept")
    study = received(clinic, dicom())
    assert study.study_uid == STUDY
    with operator_context():
        assert not DataKey.objects.exists()
        assert not Deidentification.objects.exists()


def test_the_same_study_sent_again_is_the_same_study(clinic: Party, set_rule: SetRule) -> None:
    set_rule("pseudonymise")
    content = dicom(SOPInstanceUID="1.2.3")
    first = receive(clinic.tenant, [("a", io.BytesIO(content))])
    again = receive(clinic.tenant, [("a", io.BytesIO(content)), ("b", io.BytesIO(dicom(SOPInstanceUID="1.2.4")))])
    assert first.study.pk == again.study.pk
    assert [one.status for one in again.files] == ["duplicate", "stored"]
    with tenant_context(clinic.tenant.id):
        assert Deidentification.objects.get().files == 2
        found = original_of(first.study)
    assert found is not None
    assert found.uid(first.study.study_uid) == STUDY


def test_the_way_back_leads_each_instance_to_the_one_that_was_sent(clinic: Party, set_rule: SetRule) -> None:
    set_rule("pseudonymise")
    study = received(clinic, dicom(SOPInstanceUID="1.2.3", AccessionNumber="A-77"), dicom(SOPInstanceUID="1.2.4"))
    with tenant_context(clinic.tenant.id):
        found = original_of(study, actor="key:test", purpose="dicom-sr")
        stored = set(Instance.objects.values_list("sop_instance_uid", flat=True))
        event = AuditEvent.objects.get(action="study.reidentified")
    assert found is not None
    assert {found.uid(one) for one in stored} == {"1.2.3", "1.2.4"}
    assert found.module.AccessionNumber == "A-77"
    assert (event.actor, event.detail) == ("key:test", {"purpose": "dicom-sr"})
    assert "Canary" not in repr(found) + str(event.detail)


def test_no_way_back_after_anonymising_nor_after_the_key_is_dropped(clinic: Party, set_rule: SetRule) -> None:
    set_rule("anonymise")
    anonymous = received(clinic, dicom(StudyInstanceUID="1.2.1"))
    set_rule("pseudonymise")
    study = received(clinic, dicom(StudyInstanceUID="1.2.2"))
    with tenant_context(clinic.tenant.id):
        assert original_of(anonymous) is None
        assert original_of(study) is not None
        assert datakeys.drop(clinic.tenant.id, actor="test")
        datakeys.of(clinic.tenant.id)
        assert original_of(study) is None
    assert "data_key.dropped" in actions(clinic)


def test_an_altered_crosswalk_is_a_failure_of_ours_and_never_a_wrong_patient(clinic: Party, set_rule: SetRule) -> None:
    set_rule("pseudonymise")
    one, two = (received(clinic, dicom(StudyInstanceUID=uid)) for uid in ("1.2.1", "1.2.2"))
    with tenant_context(clinic.tenant.id):
        strange = Crosswalk.objects.get(study=two).sealed
        Crosswalk.objects.filter(study=one).update(sealed=strange)
        with pytest.raises(InternalError):
            original_of(one)


def test_a_new_master_key_opens_what_the_old_one_closed_until_it_is_forgotten(clinic: Party, settings: Any) -> None:
    settings.ASSAY_MASTER_KEYS = ("old" * 20,)
    with tenant_context(clinic.tenant.id):
        before = datakeys.of(clinic.tenant.id)
    settings.ASSAY_MASTER_KEYS = ("new" * 20, "old" * 20)
    assert datakeys.rewrap(actor="test") == 1
    assert datakeys.rewrap(actor="test") == 0
    settings.ASSAY_MASTER_KEYS = ("new" * 20,)
    with tenant_context(clinic.tenant.id):
        assert datakeys.of(clinic.tenant.id) == before
        settings.ASSAY_MASTER_KEYS = ("old" * 20,)
        with pytest.raises(datakeys.MasterKeyMissing):
            datakeys.of(clinic.tenant.id)


def test_the_operator_rewraps_and_drops_keys_by_a_command(clinic: Party, settings: Any) -> None:
    settings.ASSAY_MASTER_KEYS = ("old" * 20,)
    with tenant_context(clinic.tenant.id):
        datakeys.of(clinic.tenant.id)
    settings.ASSAY_MASTER_KEYS = ("new" * 20, "old" * 20)
    out = io.StringIO()
    call_command("data_keys", "rewrap", stdout=out)
    call_command("data_keys", "drop", tenant=clinic.tenant.id, stdout=out)
    call_command("data_keys", "drop", tenant=clinic.tenant.id, stdout=out)
    assert out.getvalue().splitlines() == [
        "1 keys brought under the new master key", "the key is gone", "the tenant has no key"
    ]  # fmt: skip
    with pytest.raises(CommandError):
        call_command("data_keys", "drop")


def test_a_data_key_moved_to_another_tenant_does_not_open(clinic: Party, charlie: Party) -> None:
    assert django_settings.ASSAY_MASTER_KEYS
    for party in (clinic, charlie):
        with tenant_context(party.tenant.id):
            datakeys.of(party.tenant.id)
    with operator_context():
        stolen = DataKey.objects.get(tenant=clinic.tenant).wrapped
        DataKey.objects.filter(tenant=charlie.tenant).update(wrapped=stolen)
    with tenant_context(charlie.tenant.id), pytest.raises(datakeys.MasterKeyMissing):
        datakeys.of(charlie.tenant.id)


def test_a_risky_file_is_refused_by_the_rule_and_others_of_the_request_are_taken(
    clinic: Party, set_rule: SetRule
) -> None:
    set_rule(burned_in="refuse")
    risky, fine = dicom(BurnedInAnnotation="YES"), dicom()
    both = receive(clinic.tenant, [("a", io.BytesIO(risky)), ("b", io.BytesIO(fine))])
    assert [one.code for one in both.files] == ["burned_in_text", ""]
    with pytest.raises(NothingTaken) as refused:
        received(clinic, risky)
    assert refused.value.code == "burned_in_text"
    answer = Api(clinic.token).upload(picture())
    assert (answer.status_code, answer.json()["code"]) == (422, "burned_in_text")


def test_a_held_study_takes_no_job_until_it_is_released(clinic: Party, set_rule: SetRule) -> None:
    set_rule(burned_in="hold")
    api = Api(clinic.token)
    study = api.upload(picture()).json()
    assert study["held"]["signs"] == ["picture"]
    refused = api.post("/v1/jobs", {"study": study["id"], "plugin": SLUG})
    assert (refused.status_code, refused.json()["code"]) == (409, "study_held")
    released = api.post(f"/v1/studies/{study['id']}/release")
    assert released.status_code == 200
    assert released.json()["held"] is None
    assert api.post("/v1/jobs", {"study": study["id"], "plugin": SLUG}).status_code == 202
    assert api.post(f"/v1/studies/{study['id']}/release").json()["code"] == "study_not_held"
    assert [one for one in actions(clinic) if one.startswith("study.")] == [
        "study.held", "study.received", "study.released"
    ]  # fmt: skip


def test_control_with_the_rule_at_accept_the_same_study_is_not_held(clinic: Party) -> None:
    study = receive(clinic.tenant, [("a.png", picture())]).study
    assert submit(clinic.tenant, study).state == "queued"


def test_more_risky_files_hold_a_released_study_again(clinic: Party, set_rule: SetRule) -> None:
    set_rule(burned_in="hold")
    study = received(clinic, dicom(SOPInstanceUID="1.2.3", Modality="US"))
    with tenant_context(clinic.tenant.id):
        holds.release(study, actor="test")
        holds.require_released(study)
    received(clinic, dicom(SOPInstanceUID="1.2.4"))
    with tenant_context(clinic.tenant.id):
        holds.require_released(study)
    received(clinic, dicom(SOPInstanceUID="1.2.5", BurnedInAnnotation="YES"))
    with tenant_context(clinic.tenant.id):
        with pytest.raises(holds.StudyHeld):
            holds.require_released(study)
        assert Hold.objects.get().signs == ["annotation", "modality"]


def test_a_job_of_a_study_that_is_held_since_can_not_be_tried_again(clinic: Party, set_rule: SetRule) -> None:
    study = received(clinic, dicom(SOPInstanceUID="1.2.3"))
    job = submit(clinic.tenant, study)
    with tenant_context(clinic.tenant.id):
        jobs.cancel(job, actor="test")
    set_rule(burned_in="hold")
    received(clinic, dicom(SOPInstanceUID="1.2.4", BurnedInAnnotation="YES"))
    with tenant_context(clinic.tenant.id), pytest.raises(holds.StudyHeld):
        jobs.retry(jobs.reread(job), actor="test")


def test_the_owner_sets_the_rule_at_the_portal_and_a_member_does_not(clinic: Party) -> None:
    owner, member = at_portal(clinic.owner), at_portal(clinic.member)
    assert owner.get("/privacy").status_code == 200
    changed = owner.post("/privacy", {"mode": "pseudonymise", "burned_in": "hold"})
    assert changed.status_code == 302
    assert owner.post("/privacy", {"mode": "sometimes", "burned_in": "hold"}).status_code == 400
    assert member.get("/privacy").status_code == 403
    assert member.post("/privacy", {"mode": "off", "burned_in": "accept"}).status_code == 403
    with tenant_context(clinic.tenant.id):
        rule = rules.of(clinic.tenant.id)
    assert (rule.mode, rule.burned_in) == ("pseudonymise", "hold")
    assert "privacy.rule_changed" in actions(clinic)


def test_a_reviewer_releases_at_the_portal_and_a_member_or_stranger_does_not(
    clinic: Party, charlie: Party, set_rule: SetRule
) -> None:
    set_rule(burned_in="hold")
    study = receive(clinic.tenant, [("a.png", picture())]).study
    identity = encode("std", study.id)
    with operator_context():
        reviewer = User.objects.create_user("reviewer@clinic.example", "a long password")
        Membership.objects.create(tenant=clinic.tenant, user=reviewer, role=Role.REVIEWER)
    assert at_portal(clinic.member).get("/held").status_code == 403
    assert at_portal(clinic.member).post(f"/held/{identity}/release").status_code == 403
    assert at_portal(charlie.owner).post(f"/held/{identity}/release").status_code == 404
    assert Api(charlie.token).post(f"/v1/studies/{identity}/release").status_code == 404
    page = at_portal(reviewer).get("/held")
    assert identity in page.content.decode()
    assert at_portal(reviewer).post(f"/held/{identity}/release").status_code == 302
    with tenant_context(clinic.tenant.id):
        holds.require_released(study)


def test_the_operator_sets_a_tenants_rule_in_the_admin_with_a_trace(clinic: Party) -> None:
    operator = User.objects.create_superuser("root@house.example", "a long password")
    answer = at_portal(operator).post(
        "/admin/inference/privacyrule/add/",
        {"tenant": str(clinic.tenant.pk), "mode": "anonymise", "burned_in": "refuse"},
    )
    assert answer.status_code == 302, answer.content[:2000]
    with tenant_context(clinic.tenant.id):
        assert rules.of(clinic.tenant.id).mode == "anonymise"
        assert AuditEvent.objects.get(action="privacy.rule_changed").actor == f"operator:{operator.pk}"
