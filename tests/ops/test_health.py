"""Probes come by address, without TLS, and get an answer all the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from ops import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["assay.example"]
    settings.SECURE_SSL_REDIRECT = True


def test_a_probe_by_address_is_answered_in_production(production: None) -> None:
    answer = Client().get("/healthz", headers={"host": "127.0.0.1:8000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["X-Request-Id"]


def test_control_any_other_address_is_held_to_host_and_tls(production: None) -> None:
    assert Client().get("/login", headers={"host": "127.0.0.1:8000"}).status_code == 400
    assert Client().get("/login", headers={"host": "assay.example"}).status_code == 301


def test_readiness_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECKS", {"database": lambda: True, "broker": lambda: False})
    answer = Client().get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["checks"] == {"database": True, "broker": False}
