"""The REST contract: shapes, codes, headers; owner, member and stranger."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from PIL import Image

from inference.models import Job, Study
from tenants import keys
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import tenant_context
from tenants.ids import encode
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, picture, study_of, submit, subscribe, work

pytestmark = pytest.mark.django_db
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def public(job: Job) -> str:
    return encode("job", job.id)


def named(stream: io.BytesIO, name: str) -> io.BytesIO:
    stream.name = name
    return stream


def test_an_upload_answers_each_file_and_keeps_the_good_ones(api: Api) -> None:
    answer = api.upload(named(picture(), "a.png"), named(io.BytesIO(b"no image"), "b.dcm"))
    assert answer.status_code == 201
    body = answer.json()
    assert [(file["name"], file["status"]) for file in body["files"]] == [("a.png", "stored"), ("b.dcm", "rejected")]
    assert body["files"][1]["code"] == "unreadable_file"
    assert answer["Location"] == f"/v1/studies/{body['id']}"
    assert api.get(answer["Location"]).json()["kind"] == "image"


def test_an_upload_without_a_good_file_keeps_nothing(api: Api, clinic: Party) -> None:
    answer = api.upload(named(io.BytesIO(b""), "a.dcm"), named(io.BytesIO(b"x"), "b.dcm"))
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    told = [(entry["pointer"], entry["name"], entry["code"]) for entry in answer.json()["errors"]]
    assert told == [("/files/0", "a.dcm", "empty_file"), ("/files/1", "b.dcm", "unreadable_file")]
    with tenant_context(clinic.tenant.id):
        assert not Study.objects.exists()


def test_a_bomb_in_the_middle_harms_nobody(api: Api) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(300_000_000))
    large = io.BytesIO()
    Image.new("L", (14_000, 14_000)).save(large, "PNG")
    for stream in (bomb, large):
        stream.seek(0)
    answer = api.upload(named(bomb, "a.zip"), named(large, "b.png"), named(picture(), "c.png"))
    assert answer.status_code == 201
    codes = [file.get("code") for file in answer.json()["files"]]
    assert codes[-1] is None
    assert {"archive_refused", "image_too_large"} <= set(codes)


def test_metadata_and_description_come_back(api: Api) -> None:
    body = api.upload(named(picture(), "a.png"), description="first", metadata='{"case": "7"}').json()
    assert (body["description"], body["metadata"]) == ("first", {"case": "7"})
    assert api.upload(named(picture(), "a.png"), metadata="{").status_code == 422
    assert api.upload(named(picture(), "a.png"), colour="red").status_code == 422


def test_a_job_is_accepted_with_what_a_poller_needs(api: Api, study: Study, clinic: Party) -> None:
    answer = api.post("/v1/jobs", {"study": encode("std", study.id), "plugin": SLUG, "metadata": {"ours": "1"}})
    body = answer.json()
    assert (answer.status_code, body["state"], body["queue_position"]) == (202, "queued", 1)
    assert answer["Location"] == f"/v1/jobs/{body['id']}"
    assert int(answer["Retry-After"]) >= 1
    assert body["quote"] == {"unit": "image", "quantity": "1", "amount": body["quote"]["amount"], "currency": "usd"}
    assert (body["usage"], body["error"], body["metadata"]) == (None, None, {"ours": "1"})


def test_an_unchanged_job_answers_304(api: Api, study: Study, clinic: Party) -> None:
    path = f"/v1/jobs/{public(submit(clinic.tenant, study))}"
    tag = api.get(path)["ETag"]
    assert api.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    work()
    assert api.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_a_succeeded_job_shows_usage_that_equals_the_quote_and_a_result(api: Api, study: Study, clinic: Party) -> None:
    job = public(submit(clinic.tenant, study))
    work()
    body = api.get(f"/v1/jobs/{job}").json()
    assert {key: body["usage"][key] for key in ("unit", "quantity", "amount", "currency")} == body["quote"]
    result = api.get(f"/v1/jobs/{job}/result").json()
    assert (result["object"], result["status"], len(result["findings"])) == ("result", "findings", 1)
    assert set(result["findings"][0]) >= {"id", "tracking_uid", "type", "score", "location", "size", "review"}
    assert result["findings"][0]["location"]["bbox_px"] == [0.0, 0.0, 3.0, 3.0]
    assert result["predictions"][0]["item"].startswith("ins_")
    page = api.get(f"/v1/jobs/{job}/report")
    assert page.status_code == 200
    assert "data:image/jpeg;base64," in page.content.decode()
    usage = api.get(f"/v1/usage?job={job}").json()["data"]
    assert [event["amount"] for event in usage] == [body["quote"]["amount"]]
    preview = api.get("/v1/invoices/preview").json()
    assert preview["total"] == body["quote"]["amount"]
    assert preview["lines"][0]["jobs_url"].endswith("/v1/jobs")


def test_there_is_no_result_before_the_end_and_none_after_a_failure(api: Api, study: Study, clinic: Party) -> None:
    job = public(submit(clinic.tenant, study, "refuses"))
    assert api.get(f"/v1/jobs/{job}/result").json()["code"] == "job_not_finished"
    work()
    assert api.get(f"/v1/jobs/{job}/result").json()["code"] == "job_failed"
    error = api.get(f"/v1/jobs/{job}").json()["error"]
    assert set(error) >= PROBLEM
    assert error["code"] == "unsupported_input"


def test_cancel_and_retry(api: Api, study: Study, clinic: Party) -> None:
    job = public(submit(clinic.tenant, study))
    assert api.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert api.post(f"/v1/jobs/{job}/cancel").json()["code"] == "job_already_finished"
    assert api.post(f"/v1/jobs/{job}/retry").json()["state"] == "queued"
    assert api.post(f"/v1/jobs/{job}/retry").json()["code"] == "job_not_finished"


def test_a_study_in_use_can_not_be_deleted(api: Api, study: Study, clinic: Party) -> None:
    path = f"/v1/studies/{encode('std', study.id)}"
    job = public(submit(clinic.tenant, study))
    assert (api.delete(path).status_code, api.delete(path).json()["code"]) == (409, "study_in_use")
    api.post(f"/v1/jobs/{job}/cancel")
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 410
    assert api.get(f"/v1/jobs/{job}").json()["study"] is None


def test_an_estimate_has_no_effect(api: Api, study: Study, clinic: Party) -> None:
    body = {"study": encode("std", study.id), "plugin": SLUG}
    told = api.post("/v1/jobs/estimate", body).json()
    with tenant_context(clinic.tenant.id):
        assert not Job.objects.exists()
    assert api.post("/v1/jobs", body).json()["quote"] == told["quote"]


def test_a_used_up_quota_is_402_with_what_to_do(study: Study, clinic: Party) -> None:
    party = make_party("small")
    subscribe(party.tenant, "trial")
    api, own = Api(party.token), encode("std", study_of(party.tenant).id)
    statuses = [api.post("/v1/jobs", {"study": own, "plugin": SLUG}).status_code for _ in range(11)]
    assert statuses == [202] * 10 + [402]
    refused = api.post("/v1/jobs", {"study": own, "plugin": SLUG}).json()
    assert refused["code"] == "quota_exceeded"
    assert set(refused) >= {*PROBLEM, "limit", "used", "reserved", "resets_at", "upgrade_url"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"plugin": SLUG}, "/study"),
        ({"study": "std_x", "plugin": SLUG, "colour": "red"}, "/colour"),
        ({"study": "std_x", "plugin": SLUG, "priority": "now"}, "/priority"),
        ([1], ""),
    ],
)
def test_wrong_fields_are_told_with_their_pointer(api: Api, body: Any, pointer: str) -> None:
    answer = api.post("/v1/jobs", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_same_key_and_body_give_the_first_answer_again(api: Api, study: Study, clinic: Party) -> None:
    body = {"study": encode("std", study.id), "plugin": SLUG}
    first = api.post("/v1/jobs", body, HTTP_IDEMPOTENCY_KEY="k1")
    again = api.post("/v1/jobs", body, HTTP_IDEMPOTENCY_KEY="k1")
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (202, first.json(), "true")
    assert again["Location"] == first["Location"]
    with tenant_context(clinic.tenant.id):
        assert Job.objects.count() == 1
    reused = api.post("/v1/jobs", {**body, "metadata": {"a": "b"}}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_may_be_sent_again_with_its_key(api: Api, study: Study) -> None:
    body = {"study": encode("std", study.id), "plugin": "nothing"}
    assert [api.post("/v1/jobs", body, HTTP_IDEMPOTENCY_KEY="k2").status_code for _ in range(2)] == [404, 404]


def test_lists_go_on_by_cursor_without_gap_or_repetition(api: Api, study: Study, clinic: Party) -> None:
    made = [public(submit(clinic.tenant, study)) for _ in range(5)]
    seen: list[str] = []
    path = "/v1/jobs?limit=2"
    while path:
        body = api.get(path).json()
        seen += [job["id"] for job in body["data"]]
        path = f"/v1/jobs?limit=2&cursor={body['next_cursor']}" if body["has_more"] else ""
    assert seen == made[::-1]
    assert len(api.get("/v1/jobs?state=queued&created_at[gte]=2020-01-01T00:00:00Z").json()["data"]) == 5
    for wrong in ("limit=0", "limit=x", "cursor=zzz", "created_at[gte]=yesterday", "colour=red"):
        assert api.get(f"/v1/jobs?{wrong}").status_code == 422, wrong


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/jobs/job_x", "/v1/jobs/x/result", "/v1/plugins/none", "/v1/invoices/inv_1"]
)
def test_what_is_not_there_is_a_problem_and_not_a_page(api: Api, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert set(answer.json()) >= PROBLEM
    assert answer["X-Request-Id"] == answer.json()["request_id"]


def test_bad_json_wrong_methods_and_media_types_have_their_codes(api: Api, clinic: Party) -> None:
    client, headers = api.client, api.headers
    assert client.post("/v1/jobs", "{", content_type="application/json", **headers).json()["code"] == "unparsable"
    assert client.put("/v1/jobs", "{}", content_type="application/json", **headers).status_code == 405
    assert client.post("/v1/jobs", "x", content_type="text/plain", **headers).status_code == 415
    assert client.post("/v1/studies", "{}", content_type="application/json", **headers).status_code == 415


def test_texts_follow_the_language_and_codes_do_not(api: Api) -> None:
    english, chinese = api.get("/v1/jobs/x").json(), api.get("/v1/jobs/x", HTTP_ACCEPT_LANGUAGE="zh-hans").json()
    assert english["code"] == chinese["code"] == "not_found"
    assert chinese["detail"] == "没有这个对象。"


def test_without_a_credential_nothing_is_told(clinic: Party) -> None:
    answer = Client().get("/v1/me")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert Client().get("/v1/me", HTTP_AUTHORIZATION="Bearer a.b").status_code == 401


def test_a_key_does_what_its_scopes_say(clinic: Party, study: Study) -> None:
    with tenant_context(clinic.tenant.id):
        token = keys.issue(clinic.tenant, "reader", ["jobs:read"], actor="test").token
    reader = Api(token)
    assert reader.get("/v1/jobs").status_code == 200
    refused = reader.post("/v1/jobs", {"study": "std_x", "plugin": SLUG})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_member_uses_the_session_with_csrf_and_within_the_role(clinic: Party) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinic.member)
    session = client.session
    session[TENANT_IN_SESSION] = str(clinic.tenant.id)
    session.save()
    assert client.get("/v1/jobs").status_code == 200
    assert client.get("/v1/usage").json()["code"] == "role_missing"
    assert client.post("/v1/jobs", "{}", content_type="application/json").status_code == 403


def test_a_stranger_in_the_session_of_another_tenant_is_no_one(clinic: Party) -> None:
    stranger = make_party("stranger")
    client = Client()
    client.force_login(stranger.owner)
    session = client.session
    session[TENANT_IN_SESSION] = str(clinic.tenant.id)
    session.save()
    assert client.get("/v1/jobs").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/v1/me",
        "/v1/plugins",
        f"/v1/plugins/{SLUG}",
        "/v1/plans",
        "/v1/subscription",
        "/v1/invoices",
        "/v1/usage/summary",
    ],
)
def test_the_other_resources_answer(api: Api, path: str) -> None:
    assert api.get(path).status_code == 200


def test_a_picture_of_an_instance_is_a_png(api: Api, study: Study, clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        instance = study.instances.get()
    answer = api.get(f"/v1/studies/{encode('std', study.id)}/instances/{encode('ins', instance.id)}/rendered?max=8")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).size == (8, 8)


def test_a_database_that_does_not_answer_is_told_with_a_time_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("api.v1.views.money.quota.subscription_of", gone)
    answer = api.get("/v1/me")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "2")
