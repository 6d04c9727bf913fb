"""Studies after they came in: deletion."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from inference.domain.errors import UserError
from inference.domain.states import ACTIVE
from inference.intake import storage
from inference.intake.rows import lock_blobs
from inference.models import Instance, Job, Study
from tenants import audit
from tenants.context import tenant_context
from tenants.ids import encode


class StudyInUse(UserError):
    """A job still needs the study."""

    code = "study_in_use"
    template = "A job on this study has not ended: cancel it or wait, then delete the study."


class StudyGone(UserError):
    """The study does not exist any more."""

    code = "not_found"
    template = "There is no such object."


def delete(study: Study, *, actor: str) -> None:
    """Remove a study with its files; jobs, results and bills stay. Raises `StudyInUse`.

    Bytes that another study of the tenant holds too are kept. They are removed after the commit: a file without a row
    does no harm, a row without its file does. Raises `StudyGone` for one that somebody else has just deleted.
    """
    with transaction.atomic():
        _refuse_in_use(study)
        digests = set(Instance.objects.for_tenant(study.tenant_id).filter(study=study).values_list("sha256", flat=True))
        tenant_id, name = study.tenant_id, encode("std", study.id)
        study.delete()
        audit.record("study.deleted", tenant_id=tenant_id, actor=actor, subject=name, files=len(digests))
        transaction.on_commit(lambda: _remove_unneeded(tenant_id, digests))


def _refuse_in_use(study: Study) -> None:
    # locked, so that no submit puts a job on a study that is just going
    if not Study.objects.for_tenant(study.tenant_id).select_for_update().filter(pk=study.pk).first():
        raise StudyGone
    if Job.objects.for_tenant(study.tenant_id).filter(study=study, state__in=ACTIVE).exists():
        raise StudyInUse


def _still_needed(tenant_id: UUID, digests: set[str]) -> set[str]:
    return set(Instance.objects.for_tenant(tenant_id).filter(sha256__in=digests).values_list("sha256", flat=True))


def _remove_unneeded(tenant_id: UUID, digests: set[str]) -> None:
    """Looked at again, under the lock that an upload takes for its rows: it may have brought the same bytes since."""
    with tenant_context(tenant_id):
        lock_blobs(tenant_id)
        for sha256 in digests - _still_needed(tenant_id, digests):
            storage.delete(tenant_id, sha256)
