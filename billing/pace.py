"""How many jobs a minute a plan takes: counted in Redis, so that a burst costs the database nothing."""

from __future__ import annotations

from uuid import UUID

from billing.errors import SubmitRate
from billing.models import Entitlement
from tenants import rates

WINDOW_SECONDS = 60


def refuse_rush(tenant_id: UUID, entitlement: Entitlement) -> None:
    """Count one submit. Raises `SubmitRate` beyond the entitlement's rate; without Redis nobody is kept out."""
    limit = entitlement.rate_per_minute
    if limit is None:
        return
    if rates.count(f"submit:{tenant_id.hex}:{entitlement.plugin}", WINDOW_SECONDS) > limit:
        seconds = rates.seconds_left(WINDOW_SECONDS)
        raise SubmitRate(limit=limit, seconds=seconds, extra={"retry_after": seconds})
