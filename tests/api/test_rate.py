"""Requests a minute for each credential, counted in a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.test import Client

from tests.conftest import Party

pytestmark = pytest.mark.django_db


def ask(party: Party) -> Any:
    return Client().get("/v1/me", **party.bearer)


@pytest.fixture
def limit_of_two(settings: Any) -> None:
    settings.ASSAY_REQUESTS_PER_MINUTE = 2


def test_a_flood_is_told_when_to_come_back_and_harms_nobody_else(
    alice: Party, charlie: Party, redis_server: redis.Redis, one_window: None, limit_of_two: None
) -> None:
    assert [ask(alice).status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(alice)
    assert refused.json()["code"] == "rate_limit"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert ask(charlie).status_code == 200


def test_without_redis_nobody_is_kept_out(alice: Party, limit_of_two: None, settings: Any) -> None:
    settings.ASSAY_REDIS_URL = "unix:///nowhere.sock"
    assert {ask(alice).status_code for _ in range(4)} == {200}
