"""Advice and comparison in the answers and on the page, for those who may see the result and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from inference.models import Study
from tenants.context import tenant_context
from tenants.ids import encode
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.bright import SLUG, Ball, Visit, analysed, bright_installed, work, written
from tests.inference.work import subscribe

pytestmark = pytest.mark.django_db
FIRST = Visit((Ball((30, 40, 20), 8), Ball((95, 60, 40), 10)), "20240101", patient="CANARY-5")
LATER = (Ball((30, 40, 20), 11), Ball((95, 60, 40), 10), Ball((100, 100, 20), 7))
SECOND = Visit(LATER, "20240331", patient="CANARY-5")
SHOWN = (
    "Follow-up", "A nodule has grown since the earlier study", "Compared with the earlier study",
    "90 days before this one", "has grown", "not there before", "unchanged within the error",
)  # fmt: skip


@pytest.fixture
def clinic(db: None) -> Iterator[Party]:
    with bright_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


def sent(api: Api, visit: Visit, folder: Path) -> Any:
    """The examination by the public way alone: upload, order, result."""
    study = api.upload(*[path.open("rb") for path in written(visit, folder)]).json()
    job = api.post("/v1/jobs", {"study": study["id"], "plugin": SLUG}).json()
    work()
    return study, job, api.get(f"/v1/jobs/{job['id']}/result").json()


def test_two_examinations_are_compared_by_the_public_way(api: Api, tmp_path: Path) -> None:
    _, first, before = sent(api, FIRST, tmp_path / "1")
    _, _, after = sent(api, SECOND, tmp_path / "2")
    assert before["comparison"] is None
    assert [one["slug"] for one in before["advice"]] == [
        "fleischner-2017.solid.multiple.medium-large.low", "fleischner-2017.solid.multiple.medium-large.high",
    ]  # fmt: skip
    assert before["advice"][0]["after_months"] == [3, 6]
    comparison = after["comparison"]
    assert (comparison["prior_job"], comparison["days_between"]) == (first["id"], 90)
    assert comparison["prior_taken_at"] == "2024-01-01T08:00:00.000000Z"
    assert sorted(change["course"] for change in comparison["changes"]) == ["grown", "new", "unchanged"]
    (grown,) = [change for change in comparison["changes"] if change["course"] == "grown"]
    number = after["findings"].index(max(after["findings"], key=lambda one: one["size"]["volume_mm3"])) + 1
    assert (grown["now"], grown["measure"]) == (number, "volume_mm3")
    assert grown["doubling_days"] > 0
    (advice,) = after["advice"]
    assert (advice["slug"], advice["findings"], advice["guideline"]) == ("assay.growth.work-up", [number], "Assay")
    assert advice["because"][0] == f"Number {number} has grown by more than the error of measurement."


def test_no_answer_shows_whose_a_study_is(api: Api, clinic: Party, tmp_path: Path) -> None:
    study, job, result = sent(api, FIRST, tmp_path / "1")
    with tenant_context(clinic.tenant.id):
        key = Study.objects.get().patient_key
    assert key
    told = [study, job, result, api.get(f"/v1/studies/{study['id']}").json(), api.get("/v1/studies").json()]
    for secret in (key, "CANARY-5", "patient_key"):
        assert secret not in str(told)


def test_the_admin_s_page_of_a_study_does_not_show_whose_it_is(clinic: Party, admin_client: Client) -> None:
    analysed(clinic.tenant, FIRST)
    with tenant_context(clinic.tenant.id):
        study = Study.objects.get()
    page = admin_client.get(f"/admin/inference/study/{study.pk}/change/")
    assert page.status_code == 200
    assert study.patient_key not in page.content.decode()


@pytest.mark.parametrize("person", ["owner", "member"])
def test_the_page_tells_advice_and_comparison(clinic: Party, person: str) -> None:
    analysed(clinic.tenant, FIRST)
    job = analysed(clinic.tenant, SECOND)
    client = Client()
    client.force_login(getattr(clinic, person))
    page = re.sub(r"<[^>]+>|\s+", " ", client.get(f"/jobs/{encode('job', job.id)}").content.decode())
    for words in SHOWN:
        assert words in page


def test_a_stranger_sees_neither(clinic: Party) -> None:
    job = analysed(clinic.tenant, FIRST)
    stranger = make_party("stranger")
    assert Api(stranger.token).get(f"/v1/jobs/{encode('job', job.id)}/result").status_code == 404
    client = Client()
    client.force_login(stranger.owner)
    assert client.get(f"/jobs/{encode('job', job.id)}").status_code == 404
