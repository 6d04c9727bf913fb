"""How many jobs a minute a plan takes: counted in Redis, so that a burst costs the database nothing."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from billing.errors import SubmitRate
from billing.models import Entitlement
from tenants import rates

WINDOW_SECONDS = 60
REMEMBERED = 4096
_without: OrderedDict[tuple[UUID, str], None] = OrderedDict()
"""Tenants and plugins whose plan had no pace when this process last looked. It tells when to ask, never whether."""


def is_set(tenant_id: UUID, plugin: str) -> bool:
    """Whether the tenant's plan has, or may have, a pace for the plugin, as far as this process knows."""
    return (tenant_id, plugin) not in _without


def refuse_rush(tenant_id: UUID, plugin: str, entitlement: Entitlement) -> None:
    """Count one submit. Raises `SubmitRate` beyond the entitlement's rate; without Redis nobody is kept out."""
    limit = entitlement.rate_per_minute
    _remember((tenant_id, plugin), without=limit is None)
    if limit is None:
        return
    if rates.count(f"submit:{tenant_id.hex}:{entitlement.plugin}", WINDOW_SECONDS) > limit:
        seconds = rates.seconds_left(WINDOW_SECONDS)
        raise SubmitRate(limit=limit, seconds=seconds, extra={"retry_after": seconds})


def _remember(key: tuple[UUID, str], *, without: bool) -> None:
    _without.pop(key, None)
    if without:
        _without[key] = None
    if len(_without) > REMEMBERED:
        _without.popitem(last=False)
