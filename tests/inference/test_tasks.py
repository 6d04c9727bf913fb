"""What a worker does between the bell and the engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from inference import tasks, wakeup
from inference.domain.errors import InternalError
from inference.engine import conveyor as conveyors
from inference.engine.conveyor import Conveyor
from inference.engine.lease import Keeper
from inference.models import Job, JobState, Study
from tenants.context import operator_context
from tests.conftest import Party
from tests.inference.work import InTurn, reread, submit

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bells taken down and rung, in order, without a Redis."""
    seen: list[str] = []
    monkeypatch.setattr(wakeup, "answer", lambda bucket: seen.append(f"answer {bucket}"))
    monkeypatch.setattr(wakeup, "ring", lambda bucket: seen.append(f"ring {bucket}"))
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(conveyors, "close_old_connections", lambda: None)
    monkeypatch.setattr(tasks, "conveyor", Conveyor(Keeper(), tasks.worker_name, InTurn))
    return seen


def test_a_wake_up_takes_the_bell_down_before_it_looks(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.conveyor, "run", lambda *_: calls.append("serve") or True)
    tasks.wake("b")
    assert calls == ["answer b", "serve"]


def test_a_wake_up_empties_its_bucket(clinic: Party, study: Study, calls: list[str]) -> None:
    made = [submit(clinic.tenant, study) for _ in range(6)]
    tasks.wake(made[0].bucket)
    assert {reread(job).state for job in made} == {JobState.SUCCEEDED}


def test_doubled_and_shuffled_wake_ups_run_every_job_once(clinic: Party, study: Study, calls: list[str]) -> None:
    made = [submit(clinic.tenant, study) for _ in range(3)]
    for bucket in (made[0].bucket, "nothing:1.0.0:0", made[0].bucket, made[0].bucket):
        tasks.wake(bucket)
    assert [reread(job).attempt for job in made] == [1, 1, 1]


def test_a_long_turn_hands_the_bell_on(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.conveyor, "run", lambda *_: False)
    tasks.wake("b")
    assert calls == ["answer b", "ring b"]


@pytest.mark.parametrize("error", [InternalError("gone"), OperationalError("restarting")])
def test_a_bucket_that_fails_does_not_end_the_worker(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object) -> int:
        raise error

    monkeypatch.setattr(tasks.conveyor, "run", failing)
    tasks.wake("b")
    assert calls == ["answer b"]


def test_polling_finds_the_work_that_no_bell_told_of(clinic: Party, study: Study, calls: list[str]) -> None:
    job = submit(clinic.tenant, study)
    tasks.poll()
    assert reread(job).state == JobState.SUCCEEDED


def test_a_job_of_an_unknown_bucket_waits_for_the_sweeper(clinic: Party, study: Study, calls: list[str]) -> None:
    job = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.update(bucket="echo:0.9.0:000000000000")
    tasks.poll()
    assert reread(job).state == JobState.QUEUED


def test_the_parent_of_a_worker_does_not_import_tensorflow() -> None:
    code = (
        "import sys, django; django.setup(); import config.celery, inference.tasks;"
        "from inference.plugins import registry; registry.installed();"
        "sys.exit(any(name.partition('.')[0] in ('tensorflow', 'keras') for name in sys.modules))"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(ROOT / 'platform')!r}, {str(ROOT)!r}]; {code}"]
    assert subprocess.run(command, cwd=ROOT).returncode == 0
