"""Wall and processor seconds of named stages over this process and all below it, and the peak of its memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.__main__ import descendants, pss

TICKS = os.sysconf("SC_CLK_TCK")
EVERY_SECONDS = 0.05


class Spans:
    """Seconds by the name of a stage; a stage that is entered again adds up."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), cpu()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - wall, cpu() - processor)

    def add(self, name: str, seconds: float, processor: float) -> None:
        span = self.found.setdefault(name, {"seconds": 0.0, "cpu": 0.0})
        span["seconds"] += seconds
        span["cpu"] += processor

    def around(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, timed under this name."""

        def timed(*arguments: Any, **named: Any) -> Any:
            with self.of(name):
                return step(*arguments, **named)

        return timed

    def told(self) -> dict[str, dict[str, float]]:
        return {name: {key: round(value, 3) for key, value in span.items()} for name, span in self.found.items()}


def cpu() -> float:
    """Processor seconds of this process and of all below it, living or waited for; to a hundredth for those below."""
    own = os.times()
    below = sum(map(ticks, descendants(os.getpid()))) / TICKS
    return time.process_time() + own.children_user + own.children_system + below


def ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])


@contextmanager
def peak_of_memory() -> Iterator[dict[str, float]]:
    """Peaks in MB while the block runs: of this process (`rss`, `pss`) and with all below it (`tree_pss`)."""
    found = {"rss": 0.0, "pss": 0.0, "tree_pss": 0.0}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(EVERY_SECONDS):
            own = pss(os.getpid()) / 1024
            found["pss"] = max(found["pss"], own)
            found["tree_pss"] = max(found["tree_pss"], own + sum(map(memory, descendants(os.getpid()))))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
        found.update({name: round(value, 1) for name, value in found.items()}, rss=high_water())


def memory(pid: int) -> float:
    try:
        return pss(pid) / 1024
    except (OSError, StopIteration):
        return 0.0


def high_water() -> float:
    """The largest resident set of this process so far, as the kernel counted it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024, 1)
