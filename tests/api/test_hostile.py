"""Requests that mean harm, or come from a broken client: told as problems, and nothing of them is kept."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from inference.models import Job, Study
from tenants.context import tenant_context
from tenants.ids import encode
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, study_of, submit, subscribe

pytestmark = pytest.mark.django_db
DEEP = "[" * 100_000


def body(study: Study, **more: Any) -> dict[str, Any]:
    return {"study": encode("std", study.id), "plugin": SLUG, **more}


def raw(api: Api, text: str, path: str = "/v1/jobs") -> Any:
    return api.client.post(path, text, content_type="application/json", **api.headers)


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "", "k" * 101])
def test_metadata_with_a_name_that_can_not_be_kept_is_refused_and_nothing_runs(
    api: Api, study: Study, clinic: Party, name: str
) -> None:
    refused = raw(api, json.dumps(body(study, metadata={name: "b"})))
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    with tenant_context(clinic.tenant.id):
        assert not Job.objects.exists()
    assert api.get("/v1/jobs").status_code == 200


@pytest.mark.parametrize("text", ["\ud800", "a\x00b"])
def test_a_text_that_can_not_be_kept_is_refused_wherever_it_stands(api: Api, study: Study, text: str) -> None:
    for more in ({"metadata": {"a": text}}, {"params": {"deep": [{"a": text}]}}, {"plugin": text}, {text: 1}):
        refused = raw(api, json.dumps({**body(study), **more}))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "invalid_text")


def test_the_form_of_an_upload_is_held_to_the_same(api: Api) -> None:
    for metadata in ('{"\\ud800": "b"}', DEEP, '{"a": "\\u0000"}'):
        assert api.upload(metadata=metadata).status_code == 422


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 5_000, '{"a":' * 100 + "1" + "}" * 100])
def test_a_body_that_is_too_deep_is_a_bad_request(api: Api, text: str) -> None:
    assert raw(api, text, "/v1/jobs/estimate").status_code in (400, 422)


@pytest.mark.parametrize(
    "query",
    [
        "created_at[gte]=0001-01-01T00:00:00%2B23:59",
        "created_at[lte]=9999-12-31T23:59:59-23:59",
        "plugin=%00",
        "state=%00",
        "limit=0000000010000",
        "cursor=" + base64.urlsafe_b64encode(b"[" * 5_000).decode(),
        "cursor=" + base64.urlsafe_b64encode(json.dumps(["0001-01-01T00:00:00+23:59", "x"]).encode()).decode(),
    ],
)
def test_a_query_that_no_database_can_answer_is_refused(api: Api, query: str) -> None:
    refused = api.get(f"/v1/jobs?{query}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_fields")


def test_thousands_of_unknown_fields_get_a_short_answer(api: Api, study: Study) -> None:
    refused = raw(api, json.dumps({**body(study), **{f"x{number}": 1 for number in range(5_000)}}))
    assert len(refused.content) < 10_000


def test_the_pointer_of_a_member_is_escaped(api: Api, study: Study) -> None:
    refused = api.post("/v1/jobs", body(study, **{"a/b~": 1}))
    assert refused.json()["errors"][0]["pointer"] == "/a~1b~0"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/jobs/", "/v1/"])
def test_an_address_that_is_none_is_a_problem_whatever_the_method(method: str, path: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("identity", ["", "x" * 5_000, "std_" + "0" * 26, "job_" + "0" * 26])
def test_a_study_that_never_was_is_not_found_however_it_is_written(api: Api, identity: str) -> None:
    assert api.post("/v1/jobs", {"study": identity, "plugin": SLUG}).status_code == 404


def test_the_use_of_a_strangers_job_is_not_found_like_that_of_none(api: Api, clinic: Party) -> None:
    stranger = make_party("stranger")
    subscribe(stranger.tenant)
    foreign = submit(stranger.tenant, study_of(stranger.tenant))
    answers = [api.get(f"/v1/usage?job={job}").status_code for job in (encode("job", foreign.id), "job_nonsense")]
    assert answers == [404, 404]


def test_texts_of_faults_follow_the_language_of_the_request(api: Api) -> None:
    refused = api.get("/v1/jobs?limit=0", HTTP_ACCEPT_LANGUAGE="zh-Hans")
    assert refused.json()["errors"][0]["detail"] == "1 到 100"


def test_short_lists_are_paged_too(api: Api) -> None:
    first = api.get("/v1/plans?limit=1").json()
    second = api.get(f"/v1/plans?limit=1&cursor={quote(first['next_cursor'])}").json()
    assert first["has_more"]
    assert first["data"][0]["slug"] != second["data"][0]["slug"]
    assert api.get("/v1/plans?cursor=9999").status_code == 422


@pytest.mark.parametrize("header", ['"other", {tag}', "{weak}", "*"])
def test_a_poller_that_has_the_row_is_told_so_however_it_writes_the_tag(api: Api, study: Study, header: str) -> None:
    path = f"/v1/jobs/{api.post('/v1/jobs', body(study)).json()['id']}"
    tag = api.get(path)["ETag"]
    known = header.format(tag=tag, weak=tag.removeprefix("W/"))
    assert api.get(path, HTTP_IF_NONE_MATCH=known).status_code == 304
    assert api.get(path, HTTP_IF_NONE_MATCH='W/"0-0"').status_code == 200
