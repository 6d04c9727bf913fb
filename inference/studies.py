"""Studies after they came in: deletion."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from inference.domain.errors import UserError
from inference.domain.states import ACTIVE
from inference.intake import storage
from inference.models import Instance, Job, Study
from tenants import audit
from tenants.ids import encode


class StudyInUse(UserError):
    """A job still needs the study."""

    code = "study_in_use"
    template = "A job on this study has not ended: cancel it or wait, then delete the study."


def delete(study: Study, *, actor: str) -> None:
    """Remove a study with its files; jobs, results and bills stay. Raises `StudyInUse`.

    Bytes that another study of the tenant holds too are kept. They are removed after the commit: a file without a row
    does no harm, a row without its file does.
    """
    with transaction.atomic():
        _refuse_in_use(study)
        digests = set(Instance.objects.for_tenant(study.tenant_id).filter(study=study).values_list("sha256", flat=True))
        tenant_id, name = study.tenant_id, encode("std", study.id)
        study.delete()
        audit.record("study.deleted", tenant_id=tenant_id, actor=actor, subject=name, files=len(digests))
        orphans = digests - _still_needed(tenant_id, digests)
        transaction.on_commit(lambda: _remove(tenant_id, orphans))


def _refuse_in_use(study: Study) -> None:
    # locked, so that no submit puts a job on a study that is just going
    Study.objects.for_tenant(study.tenant_id).select_for_update().get(pk=study.pk)
    if Job.objects.for_tenant(study.tenant_id).filter(study=study, state__in=ACTIVE).exists():
        raise StudyInUse


def _still_needed(tenant_id: UUID, digests: set[str]) -> set[str]:
    return set(Instance.objects.for_tenant(tenant_id).filter(sha256__in=digests).values_list("sha256", flat=True))


def _remove(tenant_id: UUID, digests: set[str]) -> None:
    for sha256 in digests:
        storage.delete(tenant_id, sha256)
