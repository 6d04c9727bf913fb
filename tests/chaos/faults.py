"""What goes wrong, by a seed."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from typing import Any

from tests.chaos.procs import Stage

Fault = Callable[[Stage, random.Random, Any], None]


def kill_worker(stage: Stage, rng: random.Random, database: Any) -> None:
    rng.choice(stage.workers()).signal(signal.SIGKILL)


def freeze_worker(stage: Stage, rng: random.Random, database: Any) -> None:
    """One at a time: the other then takes what the frozen one had in hand, and both come to write."""
    if not any(worker.frozen for worker in stage.workers()):
        rng.choice(stage.workers()).signal(signal.SIGSTOP)


def kill_redis(stage: Stage, rng: random.Random, database: Any) -> None:
    stage.procs["redis"].signal(signal.SIGKILL)


def lose_redis(stage: Stage, rng: random.Random, database: Any) -> None:
    stage.lose_redis_data()


def kill_web(stage: Stage, rng: random.Random, database: Any) -> None:
    """Requests break in the middle: their clients ask again with the same Idempotency-Key."""
    stage.procs["web"].signal(signal.SIGKILL)


def kill_sweeper(stage: Stage, rng: random.Random, database: Any) -> None:
    stage.procs[rng.choice(["sweeper-1", "sweeper-2"])].signal(signal.SIGKILL)


def restart_postgres(stage: Stage, rng: random.Random, database: Any) -> None:
    """The crash of the server: every connection breaks in the middle of whatever it does."""
    if database is not None:
        database.stop("immediate")
        database.start()


FAULTS: dict[str, Fault] = {
    "kill worker": kill_worker, "freeze worker": freeze_worker, "kill redis": kill_redis, "lose redis": lose_redis,
    "kill sweeper": kill_sweeper, "kill web": kill_web, "restart postgres": restart_postgres,
}  # fmt: skip
WEIGHTS = {
    "kill worker": 4,
    "freeze worker": 3,
    "kill redis": 1,
    "lose redis": 1,
    "kill sweeper": 2,
    "kill web": 3,
    "restart postgres": 2,
}


def draw(rng: random.Random, only: str | None, has_postgres: bool) -> str:
    """The next fault."""
    if only:
        return only
    names = [name for name in FAULTS if has_postgres or name != "restart postgres"]
    return rng.choices(names, [WEIGHTS[name] for name in names])[0]
