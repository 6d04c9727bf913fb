"""Published plan versions, read once in a process: the database does not let their terms change."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from uuid import UUID

from billing.models import PlanVersion, VersionState


class _Draft(Exception):
    """Terms that may change must not be kept: an exception is what the cache does not keep."""


def fixed(version_id: UUID) -> PlanVersion:
    """The version with its plan; what is immutable in it may be old, its plan's name for one and whether it is on sale.

    A copy each time: nobody changes what others are given. A draft is read anew.
    """
    try:
        return copy(_published(version_id))
    except _Draft:
        return _read(version_id)


@lru_cache(maxsize=1024)
def _published(version_id: UUID) -> PlanVersion:
    version = _read(version_id)
    if version.state == VersionState.DRAFT:
        raise _Draft
    return version


def _read(version_id: UUID) -> PlanVersion:
    return PlanVersion.objects.select_related("plan").get(pk=version_id)
