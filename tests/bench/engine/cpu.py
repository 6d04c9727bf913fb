"""Processor time of process trees, by part."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PARTS = ("redis-server", "granian", "intake.child", "worker", "sweeper", "postgres")


def seconds(roots: list[int]) -> Counter[str]:
    """User and system seconds so far of all processes below these, by part; what has ended is with its parent."""
    found: Counter[str] = Counter()
    for pid in {each for root in roots for each in tree(root)}:
        try:
            told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[part(command)] += sum(map(int, told[11:15])) / TICKS  # type: ignore[assignment]
    return found


def part(command: str) -> str:
    """Which part a process belongs to, by its command line."""
    return next((name for name in PARTS if name in command), "other")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(below for child in children for below in tree(child))]
