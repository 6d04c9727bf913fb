"""Stored bytes that no row needs any more: instances and artifacts of a tenant may share a digest."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from inference.intake import storage
from inference.intake.rows import lock_blobs
from inference.models import Artifact, Instance
from tenants.context import tenant_context


def remove_unneeded(tenant_id: UUID, digests: Iterable[str]) -> None:
    """Remove what no row needs; call it after the commit that took the rows away.

    Looked at again, under the lock that an upload takes for its rows: it may have brought the same bytes since. A file
    without a row does no harm, a row without its file does.
    """
    wanted = set(digests)
    with tenant_context(tenant_id):
        lock_blobs(tenant_id)
        for sha256 in wanted - _still_needed(tenant_id, wanted):
            storage.delete(tenant_id, sha256)


def _still_needed(tenant_id: UUID, digests: set[str]) -> set[str]:
    found: set[str] = set()
    for model in (Instance, Artifact):
        found |= set(model.objects.for_tenant(tenant_id).filter(sha256__in=digests).values_list("sha256", flat=True))
    return found
