"""Which of the jobs that usage tells of can be opened: usage outlives its job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import Exists, OuterRef

from inference.models import Job
from tenants.ids import encode


class JobIds(TypedDict):
    """For a page that lists jobs: the public ids of those that can be opened, and whether some can not."""

    openable: frozenset[str]
    some_gone: bool


def stored(tenant_id: UUID) -> Exists:
    """Marks usage whose job can be opened, for `marked`."""
    return Exists(Job.objects.for_tenant(tenant_id).filter(id=OuterRef("job_id")))


def marked(recent: Sequence[tuple[str, Any]]) -> JobIds:
    """What `told` tells, of usage that was read with its mark `openable`."""
    found = frozenset(identity for identity, event in recent if event.openable)
    return {"openable": found, "some_gone": len(found) < len({identity for identity, _event in recent})}


def told(tenant_id: UUID, job_ids: Iterable[UUID]) -> JobIds:
    """One look for all jobs of a page."""
    asked = set(job_ids)
    found = set(Job.objects.for_tenant(tenant_id).filter(id__in=asked).values_list("id", flat=True))
    return {"openable": frozenset(encode("job", each) for each in found), "some_gone": bool(asked - found)}
