"""Requests a minute for each credential, counted in Redis. Fails open: money is guarded by the quota, not by this."""

from __future__ import annotations

import time
from functools import cache

import redis
import structlog
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.authentication import Actor
from tenants.errors import UserError

WINDOW_SECONDS = 60
PATIENCE_SECONDS = 0.2

log = structlog.get_logger(__name__)


class RateLimited(UserError):
    """Too many requests of one credential in a minute."""

    code = "rate_limit"
    template = "Too many requests: at most %(limit)s a minute. Try again in %(seconds)s seconds."


class KeyRate(BaseThrottle):
    """Raises `RateLimited` itself, so that the problem says how long to wait."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, Actor) and breaker.allows():
            refuse_flood(request.auth)
        return True


class Breaker:
    """A Redis that does not answer is not asked for a while."""

    quiet_seconds = 5.0

    def __init__(self) -> None:
        self.closed_until = 0.0

    def allows(self) -> bool:
        return time.monotonic() >= self.closed_until

    def trip(self) -> None:
        self.closed_until = time.monotonic() + self.quiet_seconds


breaker = Breaker()


def refuse_flood(actor: Actor) -> None:
    """Count one request. Raises `RateLimited` beyond the limit of the window."""
    window, passed = divmod(int(time.time()), WINDOW_SECONDS)
    try:
        count = counted(f"assay:rate:{actor.tenant.id.hex}:{actor.name}:{window}")
    except redis.RedisError as error:
        breaker.trip()
        log.warning("requests are not counted", reason=type(error).__name__)
        return
    limit = settings.ASSAY_REQUESTS_PER_MINUTE
    if count > limit:
        seconds = WINDOW_SECONDS - passed
        raise RateLimited(limit=limit, seconds=seconds, extra={"retry_after": seconds})


def counted(key: str) -> int:
    """One more in the window; the new count."""
    with counters().pipeline(transaction=False) as pipe:
        pipe.incr(key)
        pipe.expire(key, 2 * WINDOW_SECONDS)
        return int(pipe.execute()[0])


@cache
def counters() -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        settings.ASSAY_REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    return client
