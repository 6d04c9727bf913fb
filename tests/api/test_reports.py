"""The medical report over HTTP: who gets it, in which language, and what happens where no PDF can be made."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from billing.printing import papers
from billing.printing.__main__ import NO_LIBRARIES
from inference import studies
from inference.models import Job, Study
from inference.reporting import html
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.models import User
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.work import study_of, submit, work


def done(clinic: Party, study: Study) -> str:
    job = encode("job", submit(clinic.tenant, study).id)
    work()
    return job


@pytest.fixture
def job(clinic: Party, study: Study) -> str:
    return done(clinic, study)


def text_of(answer: Any) -> str:
    pages = PdfReader(BytesIO(answer.content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def pictures_of(answer: Any) -> set[str]:
    """The names of the pictures; pages share them."""
    return {picture.name for page in PdfReader(BytesIO(answer.content)).pages for picture in page.images}


def browser_of(party: Party, user: User) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[TENANT_IN_SESSION] = str(party.tenant.id)
    session.save()
    return client


def test_the_result_names_both_addresses(api: Api, job: str) -> None:
    report = api.get(f"/v1/jobs/{job}/result").json()["report"]
    assert report == {
        "html": f"http://testserver/v1/jobs/{job}/report",
        "pdf": f"http://testserver/v1/jobs/{job}/report.pdf",
    }
    assert [api.get(address)["Content-Type"] for address in report.values()] == [
        "text/html; charset=utf-8", "application/pdf",
    ]  # fmt: skip


def test_the_pdf_tells_the_finding_and_carries_its_picture(api: Api, job: str) -> None:
    answer = api.get(f"/v1/jobs/{job}/report.pdf")
    text = text_of(answer)
    for part in ("Doesasitistold", "1finding:Nodule,3×2px.", job, "echo1.0.0", "Figure1"):
        assert part in text, part
    assert len(pictures_of(answer)) == 1
    assert answer["Content-Disposition"] == f'inline; filename="{job}.pdf"'
    assert answer["Cache-Control"] == "private, no-store"


def test_the_page_is_closed_against_everything_from_outside(api: Api, job: str) -> None:
    policy = api.get(f"/v1/jobs/{job}/report")["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["report", "report.pdf"])
def test_the_language_is_asked_for_or_that_of_the_reader(api: Api, job: str, path: str) -> None:
    def told(query: str = "", **headers: str) -> str:
        answer = api.get(f"/v1/jobs/{job}/{path}{query}", **headers)
        return text_of(answer) if path.endswith("pdf") else answer.content.decode()

    assert "按吩咐行事" in told("?language=zh-hans")
    assert "按吩咐行事" in told(HTTP_ACCEPT_LANGUAGE="zh-CN,zh;q=0.9")
    assert "按吩咐行事" not in told("?language=en", HTTP_ACCEPT_LANGUAGE="zh-CN")
    assert "按吩咐行事" not in told()


def test_another_language_is_refused(api: Api, job: str) -> None:
    answer = api.get(f"/v1/jobs/{job}/report?language=xx")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?language")


@pytest.mark.parametrize("path", ["report", "report.pdf"])
def test_there_is_no_report_before_the_end(api: Api, clinic: Party, study: Study, path: str) -> None:
    job = encode("job", submit(clinic.tenant, study).id)
    assert api.get(f"/v1/jobs/{job}/{path}").json()["code"] == "job_not_finished"


@pytest.mark.parametrize("path", ["report", "report.pdf"])
def test_owner_and_member_read_it_and_a_stranger_finds_nothing(clinic: Party, job: str, path: str) -> None:
    stranger = make_party("stranger")
    address = f"/v1/jobs/{job}/{path}"
    assert browser_of(clinic, clinic.owner).get(address).status_code == 200
    assert browser_of(clinic, clinic.member).get(address).status_code == 200
    assert browser_of(stranger, stranger.owner).get(address).status_code == 404
    assert Api(stranger.token).get(address).json()["code"] == "not_found"
    assert Client().get(address).status_code == 401


def test_a_deleted_study_leaves_a_report_without_pictures(api: Api, clinic: Party, job: str) -> None:
    with tenant_context(clinic.tenant.id):
        studies.delete(Study.objects.get(), actor="test")
    page = api.get(f"/v1/jobs/{job}/report").content.decode()
    assert "The images of this study were deleted." in page
    assert "<img" not in page
    assert "Theimagesofthisstudyweredeleted." in text_of(api.get(f"/v1/jobs/{job}/report.pdf"))


def test_a_machine_without_pango_answers_503_and_the_page_still_comes(
    api: Api, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "COMMAND", (sys.executable, "-c", f"raise SystemExit({NO_LIBRARIES})"))
    answer = api.get(f"/v1/jobs/{job}/report.pdf")
    assert (answer.status_code, answer.json()["code"]) == (503, "printing_unavailable")
    assert answer["Content-Type"] == "application/problem+json"
    assert api.get(f"/v1/jobs/{job}/report").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_pictures_are_drawn_outside_of_a_transaction(api: Api, clinic: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    job = done(clinic, study_of(clinic.tenant, 7))
    seen: list[bool] = []
    draw = html.drawn

    def watched(*arguments: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return draw(*arguments)

    monkeypatch.setattr(html, "drawn", watched)
    assert api.get(f"/v1/jobs/{job}/report").status_code == 200
    assert seen == [False]


def test_the_portal_leads_to_both(clinic: Party, job: str) -> None:
    page = browser_of(clinic, clinic.owner).get(reverse("portal:job", args=[job])).content.decode()
    assert f'href="/v1/jobs/{job}/report"' in page
    assert f'href="/v1/jobs/{job}/report.pdf"' in page
    with tenant_context(clinic.tenant.id):
        assert Job.objects.count() == 1
