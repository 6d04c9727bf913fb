"""What fails outside of a view is told in our look; below /v1/ as a problem."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tenants.context import operator_context
from tenants.models import Membership, Role
from tests.conftest import Party
from tests.portal.conftest import at_portal

pytestmark = pytest.mark.django_db


def test_a_page_that_is_none_has_our_header_and_a_way_back(client: Client) -> None:
    answer = client.get("/nothing-here", headers={"Accept-Language": "zh-Hans"})
    page = answer.content.decode()
    assert answer.status_code == 404
    for text in ("未找到", 'href="/"', "portal.css", answer["X-Request-Id"]):
        assert text in page


def test_a_form_without_its_token_is_told_without_words_for_programmers() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("portal:login"), {})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "load it again" in page
    assert "DEBUG" not in page


def test_what_breaks_is_told_by_the_same_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("portal.views.session.LogIn.get", broken)
    client.raise_request_exception = False
    answer = client.get(reverse("portal:login"))
    assert answer.status_code == 500
    assert "on our side" in answer.content.decode()
    assert "secret detail" not in answer.content.decode()


def test_a_wrong_host_is_a_problem_for_a_client_and_a_page_for_a_person(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["assay.example"]
    told = client.get("/v1/me", headers={"host": "elsewhere.example"})
    assert (told.status_code, told["Content-Type"]) == (400, "application/problem+json")
    assert "portal.css" in client.get("/login", headers={"host": "elsewhere.example"}).content.decode()


def test_below_v1_an_address_that_is_none_is_a_problem(client: Client) -> None:
    answer = client.get("/v1/nothing-here", headers={"Accept-Language": "zh-Hans"})
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


def test_below_v1_what_breaks_before_a_view_is_a_problem(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.base.TenantAPIView.dispatch", broken)
    client.raise_request_exception = False
    answer = client.get("/v1/me")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "secret detail" not in answer.content.decode()


def test_the_page_of_failures_asks_no_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        client.get("/nothing-here")


@pytest.mark.parametrize(("role", "page"), [(Role.BILLING, "usage"), (Role.MEMBER, "home"), (Role.REVIEWER, "home")])
def test_everybody_lands_on_a_page_that_the_role_opens(clinic: Party, role: Role, page: str) -> None:
    with operator_context():
        Membership.objects.filter(user=clinic.member).update(role=role)
    answer = at_portal(clinic.member).get("/", follow=True)
    assert (answer.status_code, answer.request["PATH_INFO"]) == (200, reverse(f"portal:{page}"))
