"""The processes of a run: Redis, web, workers, sweepers; each restarted when it is found dead."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ops import redis
from ops.parts import web

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@dataclass
class Proc:
    """One process in a group of its own."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    handle: subprocess.Popen[bytes] | None = None
    frozen: bool = False

    def ensure(self) -> None:
        """Start it when it does not run."""
        if self.handle is None or self.handle.poll() is not None:
            self.handle, self.frozen = self.start(), False

    def signal(self, number: signal.Signals) -> None:
        if self.handle is None:
            return
        try:
            os.killpg(self.handle.pid, number)
        except ProcessLookupError:
            return
        self.frozen = number == signal.SIGSTOP
        if number == signal.SIGKILL:
            self.handle.wait()


@dataclass
class Stage:
    """All processes of a run."""

    data_dir: Path
    environment: dict[str, str]
    port: int
    fenced: bool = True
    procs: dict[str, Proc] = field(default_factory=dict)

    def set_up(self) -> None:
        """Redis first, then web, two workers and two sweepers."""
        self.add("redis", redis.arguments(redis.find_server(), self.data_dir, self.data_dir / "redis" / "redis.sock"))
        self.add("web", web("127.0.0.1", self.port).command)
        for number in (1, 2):
            worker = (
                [*MANAGE, "worker", "--name", f"w{number}"]
                if self.fenced
                else [sys.executable, "-m", "tests.chaos.unfenced"]
            )
            self.add(f"worker-{number}", worker)
            self.add(f"sweeper-{number}", [*MANAGE, "sweeper"])

    def add(self, name: str, command: list[str]) -> None:
        def start() -> subprocess.Popen[bytes]:
            log = (self.data_dir / f"{name}.log").open("ab")
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        self.procs[name] = Proc(name, start)
        self.procs[name].ensure()

    def ensure(self) -> None:
        for proc in self.procs.values():
            proc.ensure()

    def workers(self) -> list[Proc]:
        return [proc for name, proc in self.procs.items() if name.startswith("worker")]

    def lose_redis_data(self) -> None:
        self.procs["redis"].signal(signal.SIGKILL)
        shutil.rmtree(self.data_dir / "redis" / "appendonlydir", ignore_errors=True)
        for path in (self.data_dir / "redis").glob("*.[ar][od][fb]"):
            path.unlink()

    def end(self) -> None:
        for proc in reversed(self.procs.values()):
            proc.signal(signal.SIGCONT)
            proc.signal(signal.SIGKILL)
