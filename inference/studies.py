"""Studies after they came in: deletion."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum

from inference.blobs import remove_unneeded
from inference.domain.errors import UserError
from inference.domain.states import ACTIVE
from inference.models import Artifact, Instance, Job, RetentionKind, Study
from inference.retention.certificates import BY_HAND, Deleted, issue
from inference.retention.legal_holds import refuse_held
from tenants.ids import encode


class StudyInUse(UserError):
    """A job still needs the study."""

    code = "study_in_use"
    template = "A job on this study has not ended: cancel it or wait, then delete the study."


class StudyGone(UserError):
    """The study does not exist any more."""

    code = "not_found"
    template = "There is no such object."


def delete(study: Study, *, actor: str, rule: str = BY_HAND) -> None:
    """Remove a study with its files and the pictures and exports made of them; jobs, findings and bills stay.

    Bytes that another row of the tenant holds too are kept. The certificate is the event `study.deleted`. Raises
    `StudyInUse`, `UnderLegalHold`, and `StudyGone` for one that somebody else has just deleted.
    """
    with transaction.atomic():
        _refuse_in_use(study)
        refuse_held(study)
        instances = Instance.objects.for_tenant(study.tenant_id).filter(study=study)
        derived = Artifact.objects.for_tenant(study.tenant_id).filter(result__job__study=study)
        digests = {*instances.values_list("sha256", flat=True), *derived.values_list("sha256", flat=True)}
        gone = Deleted(
            RetentionKind.STUDIES,
            encode("std", study.id),
            files=instances.count() + derived.count(),
            bytes=sum(rows.aggregate(total=Sum("size_bytes"))["total"] or 0 for rows in (instances, derived)),
            rule=rule,
            study_uid=study.study_uid,
            instance_uids=tuple(instances.values_list("sop_instance_uid", flat=True)),
        )
        tenant_id = study.tenant_id
        derived.delete()
        study.delete()
        issue(tenant_id, gone, actor=actor)
        transaction.on_commit(lambda: remove_unneeded(tenant_id, digests))


def _refuse_in_use(study: Study) -> None:
    # locked, so that no submit puts a job on a study that is just going
    if not Study.objects.for_tenant(study.tenant_id).select_for_update().filter(pk=study.pk).first():
        raise StudyGone
    if Job.objects.for_tenant(study.tenant_id).filter(study=study, state__in=ACTIVE).exists():
        raise StudyInUse
