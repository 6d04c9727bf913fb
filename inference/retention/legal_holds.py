"""Studies that may not be deleted: not by a rule, not by their owner, not by the operator."""

from __future__ import annotations

from django.db import transaction

from inference.domain.errors import UserError
from inference.models import LegalHold, Study
from tenants import audit
from tenants.ids import encode


class UnderLegalHold(UserError):
    """The study must be kept."""

    code = "legal_hold"
    template = "The study is under a legal hold: it is kept until an administrator lifts the hold."


def refuse_held(study: Study) -> None:
    """Raises `UnderLegalHold`."""
    if LegalHold.objects.for_tenant(study.tenant_id).filter(study=study).exists():
        raise UnderLegalHold


def place(study: Study, *, actor: str) -> None:
    """Keep the study; placing a hold again changes nothing. Audited."""
    with transaction.atomic():
        # locked as a deletion locks it: of the two only one comes first
        Study.objects.for_tenant(study.tenant_id).select_for_update().get(pk=study.pk)
        _, is_new = LegalHold.objects.for_tenant(study.tenant_id).get_or_create(
            tenant_id=study.tenant_id, study=study, defaults={"placed_by": actor}
        )
        if is_new:
            _record("legal_hold.placed", study, actor)


def lift(study: Study, *, actor: str) -> None:
    """Let the study be deleted again. Audited."""
    with transaction.atomic():
        lifted, _ = LegalHold.objects.for_tenant(study.tenant_id).filter(study=study).delete()
        if lifted:
            _record("legal_hold.lifted", study, actor)


def _record(action: str, study: Study, actor: str) -> None:
    audit.record(action, tenant_id=study.tenant_id, actor=actor, subject=encode("std", study.id))
