"""Requests a minute for each credential."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.authentication import Actor
from tenants import rates
from tenants.errors import UserError

WINDOW_SECONDS = 60


class RateLimited(UserError):
    """Too many requests of one credential in a minute."""

    code = "rate_limit"
    template = "Too many requests: at most %(limit)s a minute. Try again in %(seconds)s seconds."


class KeyRate(BaseThrottle):
    """Raises `RateLimited` itself, so that the problem says how long to wait."""

    def allow_request(self, request: Request, view: Any) -> bool:
        actor = request.auth
        if isinstance(actor, Actor):
            refuse_flood(actor)
        return True


def refuse_flood(actor: Actor) -> None:
    """Count one request. Raises `RateLimited` beyond the limit of the window."""
    limit = settings.ASSAY_REQUESTS_PER_MINUTE
    if rates.count(f"{actor.tenant.id.hex}:{actor.name}", WINDOW_SECONDS) > limit:
        seconds = rates.seconds_left(WINDOW_SECONDS)
        raise RateLimited(limit=limit, seconds=seconds, extra={"retry_after": seconds})
