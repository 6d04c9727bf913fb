"""Lists cost the same few queries however long they are, and sums are exact."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Entitlement, UsageEvent
from inference.models import Study
from tenants.context import operator_context
from tenants.ids import encode
from tests.api.conftest import Api
from tests.conftest import Party
from tests.inference.work import SLUG, picture, study_of, submit, work

pytestmark = pytest.mark.django_db


def queries(api: Api, path: str) -> int:
    # the first request of a minute also notes that the key was used
    api.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert api.get(path).status_code == 200
    return len(seen)


def test_a_list_of_jobs_asks_as_often_for_many_as_for_few(api: Api, clinic: Party, study: Study) -> None:
    submit(clinic.tenant, study)
    work()
    few = queries(api, "/v1/jobs")
    for _ in range(6):
        submit(clinic.tenant, study)
        work()
    assert queries(api, "/v1/jobs") == few
    assert all(job["usage"] for job in api.get("/v1/jobs").json()["data"])


def test_a_list_of_studies_asks_as_often_for_many_as_for_few_and_leaves_files_out(api: Api, clinic: Party) -> None:
    study_of(clinic.tenant)
    few = queries(api, "/v1/studies")
    for shade in range(4):
        assert api.upload(picture(10 + shade)).status_code == 201
    assert queries(api, "/v1/studies") == few
    assert {study["files"] for study in api.get("/v1/studies").json()["data"]} == {None}


def test_the_summary_adds_exactly(api: Api, clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        submit(clinic.tenant, study)
        work()
    (row,) = api.get("/v1/usage/summary").json()["data"]
    with operator_context():
        assert row["amount"] == sum(event.amount for event in UsageEvent.objects.all())
    assert row["jobs"] == 3


def test_an_id_of_any_length_with_a_key_is_not_found(api: Api) -> None:
    answer = api.post(f"/v1/jobs/job_{'x' * 300}/cancel", HTTP_IDEMPOTENCY_KEY="one")
    assert answer.status_code == 404


def test_a_study_that_is_deleted_twice_is_gone_the_second_time(api: Api, study: Study) -> None:
    path = f"/v1/studies/{encode('std', study.id)}"
    assert [api.delete(path).status_code for _ in range(2)] == [204, 410]


def test_a_rush_of_jobs_is_told_when_to_come_back(
    api: Api, study: Study, redis_server: redis.Redis, one_window: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entitlement, "rate_per_minute", property(lambda _: 2, lambda *_: None))
    body: dict[str, Any] = {"study": encode("std", study.id), "plugin": SLUG}
    assert [api.post("/v1/jobs", body).status_code for _ in range(3)] == [202, 202, 429]
    refused = api.post("/v1/jobs", body)
    assert refused.json()["code"] == "rate_limit"
    assert 0 < int(refused["Retry-After"]) <= 60
