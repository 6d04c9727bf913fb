"""Counting in Redis: how often something happened in the present window. Fails open: money is guarded elsewhere."""

from __future__ import annotations

import time
from functools import cache

import redis
import structlog
from django.conf import settings

PATIENCE_SECONDS = 0.2
QUIET_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Breaker:
    """After a failure Redis is left alone for a while, so that not every request waits for it in vain."""

    def __init__(self) -> None:
        self._closed_until = 0.0

    def allows(self) -> bool:
        return time.monotonic() >= self._closed_until

    def trip(self) -> None:
        self._closed_until = time.monotonic() + QUIET_SECONDS


breaker = Breaker()


def count(what: str, window_seconds: int, more: int = 1) -> int:
    """Add `more` of `what` to the present window; how many there are now, 0 when they can not be counted."""
    if not breaker.allows():
        return 0
    key = f"assay:rate:{what}:{int(time.time()) // window_seconds}"
    try:
        with _client().pipeline(transaction=False) as pipe:
            pipe.incrby(key, more)
            pipe.expire(key, 2 * window_seconds)
            return int(pipe.execute()[0])
    except redis.RedisError as error:
        breaker.trip()
        log.warning("requests are not counted", reason=type(error).__name__)
        return 0


def seconds_left(window_seconds: int) -> int:
    """Until the next window begins."""
    return window_seconds - int(time.time()) % window_seconds


@cache
def _client() -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        settings.ASSAY_REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    return client
