from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.parts import Part
from ops.supervisor import Supervisor
from tests.waiting import wait_until

pytestmark = pytest.mark.database_free

FOREVER = "import signal; print('here', flush=True); signal.pause()"
WITH_CHILD = (
    "import subprocess, sys, signal;"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
    "print('child', child.pid, flush=True); signal.pause()"
)


def part(name: str, code: str) -> Part:
    return Part(name, [sys.executable, "-c", code])


@contextmanager
def supervised(*parts: Part) -> Iterator[Supervisor]:
    supervisor = Supervisor(parts, dict(os.environ), log=io.StringIO())
    supervisor.start()
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stopping.set()
        thread.join()


def log(supervisor: Supervisor) -> str:
    assert isinstance(supervisor.log, io.StringIO)
    return supervisor.log.getvalue()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]


def test_lines_carry_the_name_of_their_part() -> None:
    with supervised(part("one", FOREVER), part("two", FOREVER)) as supervisor:
        wait_until(lambda: "one | here" in log(supervisor) and "two | here" in log(supervisor), "both spoke")


def test_a_part_that_dies_is_started_again() -> None:
    with supervised(part("one", FOREVER)) as supervisor:
        wait_until(lambda: "here" in log(supervisor), "it runs")
        first = supervisor.running[0].process.pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.running[0].process.pid != first, "it runs again")
        assert "one ended with -9" in log(supervisor)


def test_the_end_leaves_no_process_behind_not_even_grandchildren() -> None:
    with supervised(part("one", WITH_CHILD)) as supervisor:
        wait_until(lambda: "child" in log(supervisor), "the child runs")
        child = int(log(supervisor).split("child ")[1].split()[0])
        leader = supervisor.running[0].process.pid
        assert alive(child)
    wait_until(lambda: not alive(child) and not alive(leader), "both are gone")


def test_a_part_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.supervisor.GRACE_SECONDS", 0.5)
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)\nwhile True: signal.pause()"
    with supervised(part("one", deaf)) as supervisor:
        wait_until(lambda: "deaf" in log(supervisor), "it runs")
        pid = supervisor.running[0].process.pid
    wait_until(lambda: not alive(pid), "it is gone")
