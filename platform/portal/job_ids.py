"""Which of the jobs that usage tells of can be opened: usage outlives its job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict
from uuid import UUID

from inference.models import Job
from tenants.ids import encode


class JobIds(TypedDict):
    """For a page that lists jobs: the public ids of those that can be opened, and whether some can not."""

    openable: frozenset[str]
    some_gone: bool


def told(tenant_id: UUID, job_ids: Iterable[UUID]) -> JobIds:
    """One look for all jobs of a page."""
    asked = set(job_ids)
    found = set(Job.objects.for_tenant(tenant_id).filter(id__in=asked).values_list("id", flat=True))
    return {"openable": frozenset(encode("job", each) for each in found), "some_gone": bool(asked - found)}
