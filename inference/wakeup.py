"""The doorbell: tells workers that a bucket has work. A lost ring costs time, never a job: the sweeper rings again."""

from __future__ import annotations

from functools import cache

import redis
import structlog
from celery import current_app
from django.conf import settings

from tenants.rates import Breaker

TASK = "inference.wake"
BELL_SECONDS = 15
PATIENCE_SECONDS = 0.5

log = structlog.get_logger(__name__)


breaker = Breaker()


def ring(bucket: str) -> bool:
    """Wake a worker for the bucket unless a bell is already on its way. Never raises; False if it was not rung."""
    if not breaker.allows():
        return False
    try:
        if not bells().set(bell(bucket), "1", nx=True, ex=BELL_SECONDS):
            return False
        current_app.send_task(TASK, args=[bucket], expires=BELL_SECONDS, ignore_result=True)
    except Exception as error:
        # whatever the broker's client raises, the job is safe in the database
        breaker.trip()
        log.warning("the doorbell can not be rung", reason=type(error).__name__)
        return False
    return True


def answer(bucket: str) -> None:
    """Take the bell down: before the last look at the queue, or a job that came meanwhile would not be seen."""
    try:
        bells().delete(bell(bucket))
    except redis.RedisError as error:
        log.warning("the doorbell can not be answered", reason=type(error).__name__)


def bell(bucket: str) -> str:
    return f"assay:bell:{bucket}"


@cache
def bells() -> redis.Redis:
    """A client with short patience: this runs at the end of a customer's request."""
    client: redis.Redis = redis.Redis.from_url(
        settings.ASSAY_REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    return client
