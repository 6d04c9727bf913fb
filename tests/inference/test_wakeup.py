"""The doorbell: rung once, silent and quick when its Redis is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis as client
from celery import current_app

from inference import wakeup
from tenants import rates

pytestmark = pytest.mark.database_free


@pytest.fixture
def breaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[rates.Breaker]:
    """A breaker and a client of this test's own."""
    fresh = rates.Breaker()
    monkeypatch.setattr(wakeup, "breaker", fresh)
    wakeup.bells.cache_clear()
    yield fresh
    wakeup.bells.cache_clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buckets of the messages that went to the workers."""
    seen: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda _name, args, **_: seen.append(args[0]))
    return seen


def test_many_rings_send_one_message_until_it_is_answered(
    redis_server: client.Redis, breaker: rates.Breaker, sent: list[str]
) -> None:
    assert [wakeup.ring("a") for _ in range(5)] == [True, False, False, False, False]
    assert wakeup.ring("b")
    wakeup.answer("a")
    assert wakeup.ring("a")
    assert sent == ["a", "b", "a"]


def test_a_bell_that_nobody_answers_falls_silent_by_itself(
    redis_server: client.Redis, breaker: rates.Breaker, sent: list[str]
) -> None:
    wakeup.ring("a")
    assert 0 < redis_server.ttl(wakeup.bell("a")) <= wakeup.BELL_SECONDS


def test_a_redis_that_lost_everything_lets_the_bell_ring_again(
    redis_server: client.Redis, breaker: rates.Breaker, sent: list[str]
) -> None:
    wakeup.ring("a")
    redis_server.flushall()
    assert wakeup.ring("a")
    assert sent == ["a", "a"]


def test_without_a_redis_neither_ring_nor_answer_raises(breaker: rates.Breaker, settings: Any, tmp_path: Path) -> None:
    settings.ASSAY_REDIS_URL = f"unix://{tmp_path / 'nobody.sock'}"
    assert not wakeup.ring("a")
    wakeup.answer("a")


def test_after_a_failure_the_broker_is_not_asked_again_until_the_quiet_is_over(
    breaker: rates.Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def gone() -> client.Redis:
        asked.append("asked")
        raise client.ConnectionError

    gone.cache_clear = lambda: None  # type: ignore[attr-defined]
    now = [100.0]
    monkeypatch.setattr(wakeup, "bells", gone)
    monkeypatch.setattr(rates, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert [wakeup.ring("a") for _ in range(20)] == [False] * 20
    assert len(asked) == 1
    now[0] += rates.QUIET_SECONDS
    wakeup.ring("a")
    assert len(asked) == 2


@pytest.mark.parametrize("error", [client.TimeoutError, OSError, ValueError])
def test_whatever_the_broker_raises_the_submit_goes_on(
    breaker: rates.Breaker, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(wakeup, "bells", type("Client", (), {"set": raising, "cache_clear": lambda: None}))
    assert not wakeup.ring("a")
    assert not breaker.allows()
