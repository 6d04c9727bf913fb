"""Long polls: hold an answer until a job moves, without holding a transaction meanwhile."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request

from api.errors import InvalidFields, entry
from inference.domain.states import ENDED
from inference.models import Job
from tenants.context import tenant_context

MOST_WAITERS = 8
SHORTEST, LONGEST = 0.02, 0.5
PREFERENCE = re.compile(r"""\bwait\s*=\s*"?(\d{1,5})\b""", re.IGNORECASE)

_places = threading.BoundedSemaphore(MOST_WAITERS)
_pause = threading.Event()


def until_moved(tenant_id: UUID, job_id: UUID, state: str, seconds: int) -> None:
    """Return when the job is no longer in `state`, or after `seconds`."""
    _hold(tenant_id, job_id, lambda now: now != state, seconds)


def until_ended(tenant_id: UUID, job_id: UUID, seconds: int) -> None:
    """Return when the job has ended, or after `seconds`."""
    _hold(tenant_id, job_id, lambda now: now in ENDED, seconds)


def _hold(tenant_id: UUID, job_id: UUID, done: Callable[[str], bool], seconds: int) -> None:
    # a thread that waits can not serve: beyond some waiters the answer comes at once, and the client polls
    if not seconds or not _places.acquire(blocking=False):
        return
    try:
        ends_at, delay = time.monotonic() + seconds, SHORTEST
        while not done(_state(tenant_id, job_id)) and time.monotonic() < ends_at:
            _pause.wait(min(delay, max(ends_at - time.monotonic(), 0)))
            delay = min(delay * 1.5, LONGEST)
    finally:
        _places.release()


def _state(tenant_id: UUID, job_id: UUID) -> str:
    with tenant_context(tenant_id):
        found = Job.objects.for_tenant(tenant_id).filter(pk=job_id).values_list("state", flat=True).first()
    return found or "gone"


def seconds_of_query(request: Request) -> int:
    """`?wait=N`, at most the server's limit. Raises `InvalidFields`."""
    text = request.query_params.get("wait", "0")
    if not text.isascii() or not text.isdigit():
        raise InvalidFields([entry("?wait", "out_of_range", "whole seconds")])
    return min(int(text[:6]), settings.ASSAY_LONG_POLL_SECONDS)


def seconds_preferred(request: Request) -> int:
    """`Prefer: wait=N`, at most the server's limit; anything else is ignored, as a preference is."""
    found = PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), settings.ASSAY_LONG_POLL_SECONDS) if found else 0
