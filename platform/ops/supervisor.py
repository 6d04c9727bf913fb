"""Runs the parts together: one log, restarted when they die, ended together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

from ops.parts import Part

PR_SET_PDEATHSIG = 1
SHORTEST_RESTART = 0.5
LONGEST_RESTART = 10.0
STEADY_SECONDS = 30.0
GRACE_SECONDS = 20.0


@dataclass
class Running:
    """A part with its process and its restart delay in seconds."""

    part: Part
    process: subprocess.Popen[str]
    started: float
    delay: float = SHORTEST_RESTART
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Start the parts, keep them alive, end them in reverse order. Lines go to `log`, each with its part's name."""

    parts: Sequence[Part]
    environment: dict[str, str]
    log: IO[str] = sys.stderr
    running: list[Running] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.running = [Running(part, self._spawn(part), time.monotonic()) for part in self.parts]

    def run(self) -> None:
        """Watch the parts until `stopping` is set; then end all of them."""
        try:
            while not self.stopping.wait(0.2):
                for item in self.running:
                    self._tend(item, time.monotonic())
        finally:
            self.end()

    def end(self) -> None:
        """SIGTERM in reverse order, so that what others rest on goes last; SIGKILL after the grace period."""
        for item in reversed(self.running):
            if item.process.poll() is None:
                _signal_group(item.process, signal.SIGTERM)
                self._wait(item)
            # children that outlived their leader
            _signal_group(item.process, signal.SIGKILL)

    def _tend(self, item: Running, now: float) -> None:
        if item.restart_at is not None:
            if now >= item.restart_at:
                item.process, item.started, item.restart_at = self._spawn(item.part), now, None
        elif item.process.poll() is not None:
            _signal_group(item.process, signal.SIGKILL)
            item.delay = (
                SHORTEST_RESTART if now - item.started > STEADY_SECONDS else min(item.delay * 2, LONGEST_RESTART)
            )
            item.restart_at = now + item.delay
            self.say("up", f"{item.part.name} ended with {item.process.returncode}; again in {item.delay:.1f} s")

    def _spawn(self, part: Part) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603
            part.command,
            env={**self.environment, **part.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        threading.Thread(target=self._relay, args=(part.name, process.stdout), daemon=True).start()
        return process

    def _relay(self, name: str, lines: IO[str]) -> None:
        for line in lines:
            self.say(name, line.rstrip())

    def say(self, name: str, text: str) -> None:
        self.log.write(f"{name:>9} | {text}\n")
        self.log.flush()

    def _wait(self, item: Running) -> None:
        try:
            item.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.say("up", f"{item.part.name} did not end in {GRACE_SECONDS:.0f} s and is killed")


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def die_with_parent() -> None:
    """Ask Linux to end this process with its parent, so that even a killed supervisor leaves nothing behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
