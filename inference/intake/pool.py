"""A warm pool of limited child processes that read customers' files.

The parent (a threaded web server, a worker, a command) parses nothing itself: it hands a child the open file, reads a
framed reply of JSON and bytes, and keeps the time. What a hostile file does to its child ends with that file.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from inference.domain.errors import InternalError, UserError
from inference.intake import wire
from inference.intake.codes import TEMPLATES, refusal
from inference.intake.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
Source = Path | bytes | BinaryIO
# what a child may keep of the environment: no database address, no key
KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")


class ChildGone(Exception):
    """The nursery itself ended, so the file is not to blame."""


def refuse_item(value: dict[str, Any]) -> None:
    """For tasks that send no items."""
    raise wire.BrokenReply


def refuse_data(payload: bytes) -> None:
    """For tasks that send no bytes."""
    raise wire.BrokenReply


class Slot:
    """One nursery process, which serves one task at a time; started when first used and again after a kill."""

    def __init__(self, limits: Limits, extra_tasks: str = "") -> None:
        self.limits = limits
        self.extra_tasks = extra_tasks
        self.process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None

    def start(self) -> socket.socket:
        """The socket of a running nursery. Raises `InternalError` when it does not come up."""
        if self.socket is not None and self.process is not None and self.process.poll() is None:
            return self.socket
        self.kill()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 our own module, no word of it from outside
                self._command(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,
            )
        self.socket = ours
        ours.settimeout(self.limits.startup_seconds)
        with contextlib.suppress(OSError):
            if ours.recv(1):
                return ours
        self.kill()
        raise InternalError("the intake child does not start")

    def _command(self) -> list[str]:
        options = {"limits": asdict(self.limits), "extra_tasks": self.extra_tasks}
        # -P: nothing from the directory in which the server happens to run
        return [sys.executable, "-P", "-m", "inference.intake.child", json.dumps(options)]

    def send(self, request: dict[str, Any], source: int) -> int:
        """Hand over a task; returns the descriptor to read the reply from. Raises `ChildGone`."""
        nursery = self.start()
        ours, theirs = os.pipe()
        try:
            socket.send_fds(nursery, [json.dumps(request).encode() + b"\n"], [source, theirs])
        except OSError:
            os.close(ours)
            raise ChildGone from None
        finally:
            os.close(theirs)
        return ours

    def is_alive(self) -> bool:
        """Whether the nursery runs; waits a little, for its end shows in the pipe before it shows here."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.process is not None:
                self.process.wait(0.05)
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End the nursery and its worker."""
        if self.socket is not None:
            self.socket.close()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = self.socket = None


@dataclass
class Exchange:
    """One task and its reply."""

    request: dict[str, Any]
    wall_seconds: float
    on_item: Callable[[dict[str, Any]], None]
    on_data: Callable[[bytes], None]
    begun: bool = False

    def run(self, slot: Slot, source: int) -> dict[str, Any]:
        """The result of the task. Raises what `Pool.run` raises, and `ChildGone` where the task can be sent again."""
        reply = slot.send(self.request, source)
        try:
            return self._receive(reply, time.monotonic() + self.wall_seconds)
        except wire.LateReply:
            slot.kill()
            raise refusal("unreadable_file.slow", seconds=int(self.wall_seconds)) from None
        except wire.BrokenReply:
            if not self.begun and not slot.is_alive():
                raise ChildGone from None
            raise refusal("unreadable_file.decoder") from None
        finally:
            os.close(reply)

    def _receive(self, reply: int, deadline: float) -> dict[str, Any]:
        for kind, payload in wire.read_frames(reply, deadline):
            self.begun = True
            if kind == wire.END:
                return outcome(wire.parse_object(payload))
            if kind == wire.DATA:
                self.on_data(payload)
            else:
                self.on_item(wire.parse_object(payload))
        raise wire.BrokenReply


class Pool:
    """`limits.children` slots behind a queue. Safe for threads; a forked process starts children of its own."""

    def __init__(self, limits: Limits, extra_tasks: str = "") -> None:
        self.limits = limits
        self._extra_tasks = extra_tasks
        self._closed = False
        self._refill()
        refill = weakref.WeakMethod(self._refill)
        os.register_at_fork(after_in_child=lambda: (living := refill()) and living())

    def _refill(self) -> None:
        # last in, first out: a quiet server keeps one child warm and never starts the others
        self._slots: queue.LifoQueue[Slot] = queue.LifoQueue()
        for _ in range(self.limits.children):
            self._slots.put(Slot(self.limits, self._extra_tasks))

    def run(
        self,
        task: str,
        source: Source,
        *,
        on_item: Callable[[dict[str, Any]], None] = refuse_item,
        on_data: Callable[[bytes], None] = refuse_data,
        cpu_seconds: int | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run `task` on `source` in a child and return its result.

        `source` is a path, bytes, or a file object with a descriptor (its position is moved). Items and bytes of the
        reply are handed on as they come; what these functions raise ends the task. Raises `UnreadableFile` with a code
        of the table when the file is refused, breaks its child or takes too long, `InternalError` when no child starts.
        """
        seconds = cpu_seconds or self.limits.cpu_seconds
        wall_seconds = max(self.limits.wall_seconds, seconds)
        exchange = Exchange({"task": task, "options": options, "cpu_seconds": seconds}, wall_seconds, on_item, on_data)
        with opened(source) as descriptor, self._slot() as slot:
            # the second try is for a nursery that the machine ended: the file was not read then
            for _ in range(2):
                with contextlib.suppress(ChildGone):
                    return exchange.run(slot, descriptor)
        raise InternalError("the intake child ended before it took the task")

    @contextlib.contextmanager
    def _slot(self) -> Iterator[Slot]:
        slots = self._slots
        slot = slots.get()
        try:
            if self._closed:
                raise InternalError("the intake pool is closed")
            yield slot
        finally:
            if self._closed:
                slot.kill()
            slots.put(slot)

    def close(self) -> None:
        """End the idle children now; a busy one ends after its task."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            for _ in range(self.limits.children):
                self._slots.get_nowait().kill()


def outcome(ended: dict[str, Any]) -> dict[str, Any]:
    """The result in an end frame. Raises the refusal that stands there instead; texts come from our table only."""
    result = ended.get("result")
    if isinstance(result, dict):
        return result
    raise told_refusal(ended)


def told_refusal(reply: dict[str, Any]) -> UserError:
    """The refusal that a child tells. Raises `BrokenReply` for one that is not in our table."""
    reason, params = reply.get("reason"), reply.get("params")
    if reason not in TEMPLATES or not isinstance(params, dict):
        raise wire.BrokenReply
    return refusal(str(reason), **{name: str(value)[:80] for name, value in params.items()})


@contextlib.contextmanager
def opened(source: Source) -> Iterator[int]:
    """A descriptor of `source`. Bytes go through a file without a name, so that a child never gets a path."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file.fileno()
    elif isinstance(source, bytes):
        with tempfile.TemporaryFile() as file:
            file.write(source)
            file.flush()
            yield file.fileno()
    else:
        yield source.fileno()


def child_environment() -> dict[str, str]:
    """The environment of a child: where the code is, one thread per library, nothing secret."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    # one thread: a nursery with threads could not fork safely; one arena: each reserves 64 MB of the address space
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return {**kept, **single, "PYTHONPATH": path}
