"""Seconds and statements of steps, taken in turns; and the plans of the statements that took long."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

Step = Callable[[], object]
WARM_UP = 2
"""Rounds that are not counted."""
PLANNED = ("SELECT", "UPDATE", "WITH")


@dataclass
class Watch:
    """What a step did: seconds, and every statement with its own seconds."""

    seconds: float = 0.0
    statements: list[tuple[str, Any, float]] = field(default_factory=list)


@contextmanager
def watching() -> Iterator[Watch]:
    """Time the block and listen to the database."""
    watch = Watch()

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            watch.statements.append((sql, params, time.perf_counter() - begun))

    with connection.execute_wrapper(listen):
        begun = time.perf_counter()
        yield watch
        watch.seconds = time.perf_counter() - begun


def in_turns(rounds: int, **steps: Step) -> dict[str, list[Watch]]:
    """Each step once in each round, so that what else the machine does meets all of them alike."""
    found: dict[str, list[Watch]] = {name: [] for name in steps}
    for number in range(WARM_UP + rounds):
        for name, step in steps.items():
            with watching() as watch:
                step()
            if number >= WARM_UP:
                found[name].append(watch)
    return found


def told(watches: list[Watch]) -> dict[str, Any]:
    """Medians, milliseconds."""
    return {
        "ms": round(median(watches) * 1000, 2),
        "statements": statistics.median(len(watch.statements) for watch in watches),
    }


def median(watches: list[Watch]) -> float:
    return statistics.median(watch.seconds for watch in watches)


def plans(watch: Watch, count: int = 3) -> list[dict[str, Any]]:
    """How the database goes about the slowest statements. Call in the scope that they ran in."""
    slowest = sorted(watch.statements, key=lambda each: each[2], reverse=True)
    asked = [each for each in slowest if each[0].lstrip().startswith(PLANNED)][:count]
    return [
        {"ms": round(seconds * 1000, 2), "sql": short(sql), "plan": plan(sql, params)} for sql, params, seconds in asked
    ]


def plan(sql: str, params: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", params)
        return [str(row[-1]) for row in cursor.fetchall()]


def short(sql: str) -> str:
    """Without the lists of columns."""
    bare = re.sub(r"SELECT (?!COUNT|EXACT|SUM).{80,}? FROM", "SELECT .. FROM", sql.replace('"', ""))
    return bare[:700]
