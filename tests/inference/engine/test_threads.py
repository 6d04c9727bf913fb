"""The threads of a worker outlive whatever goes wrong in one round."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import InterfaceError

from inference import tasks
from inference.engine import lease as leasing
from inference.engine.lease import Keeper
from inference.engine.models import forget
from inference.models import JobState, Study, WorkerHeartbeat
from inference.plugins import registry as plugins
from tenants.context import operator_context
from tests.conftest import Party
from tests.inference.work import SLUG, reread, submit

pytestmark = pytest.mark.django_db


class Rounds(threading.Event):
    """Lets a loop go round so often, without a pause between."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left <= 0


def failing(error: Exception) -> Callable[[], None]:
    def act() -> None:
        seen.append(error)
        raise error

    seen: list[Exception] = []
    act.seen = seen  # type: ignore[attr-defined]
    return act


@pytest.mark.parametrize("error", [InterfaceError("closed"), RuntimeError("a bug")])
def test_the_keeper_goes_on_after_a_round_that_failed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, beat = Keeper(), failing(error)
    monkeypatch.setattr(keeper, "beat", beat)
    monkeypatch.setattr(keeper, "_stop", Rounds(3))
    monkeypatch.setattr(leasing.connection, "close", lambda: None)
    keeper._run()
    assert beat.seen == [error] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [InterfaceError("closed"), RuntimeError("a bug")])
def test_the_poller_goes_on_after_a_round_that_failed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = failing(error)
    monkeypatch.setattr(tasks, "poll", poll)
    monkeypatch.setattr(tasks.connection, "close", lambda: None)
    tasks._poll_until(Rounds(3))
    assert poll.seen == [error] * 3  # type: ignore[attr-defined]


def test_a_model_that_can_not_be_loaded_leaves_its_jobs_queued_and_the_worker_alive(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(artefacts: Path) -> None:
        raise ImportError("no such runtime here")

    forget()
    monkeypatch.setattr(plugins.get(SLUG), "load", unreadable)
    monkeypatch.setattr(tasks.connection, "close", lambda: None)
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)
    job = submit(clinic.tenant, study)
    tasks.poll()
    assert reread(job).state == JobState.QUEUED


def test_a_worker_that_is_busy_for_long_still_says_that_it_lives(echo: None) -> None:
    tasks.keeper.beat()
    with operator_context():
        assert WorkerHeartbeat.objects.filter(worker=tasks.worker_name()).exists()
