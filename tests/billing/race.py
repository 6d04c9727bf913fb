"""Many threads at one thing, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

ResultT = TypeVar("ResultT")


def race(count: int, act: Callable[[int], ResultT]) -> list[ResultT | Exception]:
    """Run `act(0..count-1)` at once; what each returned or raised. All threads are there before the first begins."""
    start = Barrier(count)

    def run(number: int) -> ResultT | Exception:
        try:
            connection.ensure_connection()
            start.wait()
            return act(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def failures(outcomes: list[ResultT | Exception]) -> list[Exception]:
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]
