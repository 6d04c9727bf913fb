"""The processes that make up a running Assay, as command lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from ops import redis

WEB_THREADS = 16
WEB_GRACE_SECONDS = 5
"""A long poll in hand is cut off after this when the web process is told to end; the client asks again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name in the logs, its command line, and what it needs in its environment."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def parts(root: Path, host: str, port: int, workers: int) -> list[Part]:
    """All parts, in the order in which they start. Raises `redis.RedisNotFound`."""
    manage = [sys.executable, str(root / "manage.py")]
    workers_parts = [
        Part(f"worker-{number}", [*manage, "worker", "--name", f"worker-{number}"]) for number in range(1, workers + 1)
    ]
    return [*_redis(), web(host, port), *workers_parts, Part("sweeper", [*manage, "sweeper"])]


def _redis() -> list[Part]:
    if not settings.ASSAY_REDIS_EMBEDDED:
        return []
    command = redis.arguments(redis.find_server(), settings.ASSAY_DATA_DIR, settings.ASSAY_REDIS_SOCKET)
    return [Part("redis", command)]


def web(host: str, port: int) -> Part:
    """One process with threads: a view that waits for a job holds a thread, not a process."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "1", "--blocking-threads", str(WEB_THREADS), "--respawn-failed-workers",
        "--workers-kill-timeout", str(WEB_GRACE_SECONDS),
        "--log-level", "warning", "config.wsgi:application",
    ]  # fmt: skip
    return Part("web", command)
