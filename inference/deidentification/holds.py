"""Studies whose pixels may show a name: no job runs on them until a person has looked and released them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.domain.errors import UserError
from inference.intake.codes import refusal
from inference.intake.spool import Arrival
from inference.models import BurnedInPolicy, Hold, PrivacyRule, Study
from tenants import audit
from tenants.ids import encode
from tenants.querysets import TenantQuerySet


class StudyHeld(UserError):
    """A person has to look at the study first."""

    code = "study_held"
    template = "The images may show the patient's name: somebody who may release studies has to look at them first."


class StudyNotHeld(UserError):
    """There is nothing to release."""

    code = "study_not_held"
    template = "The study is not held."


def refuse_risky(rule: PrivacyRule, arrivals: Sequence[Arrival]) -> None:
    """Set `error` on files whose pixels may show a name, where the tenant's rule refuses such files."""
    if rule.burned_in != BurnedInPolicy.REFUSE:
        return
    for arrival in arrivals:
        if arrival.is_good and arrival.inspection and arrival.inspection.risks:
            arrival.error = refusal("burned_in_text")


def require_released(study: Study | None) -> None:
    """Raises `StudyHeld` for a study that waits for a person."""
    if study is not None and open_holds(study.tenant_id).filter(study=study).exists():
        raise StudyHeld


def open_holds(tenant_id: UUID) -> TenantQuerySet[Hold]:
    """The tenant's studies that wait, the longest waiting first."""
    rows: TenantQuerySet[Hold] = Hold.objects.for_tenant(tenant_id).filter(released_at=None).order_by("held_at")
    return rows


def release(study: Study, *, actor: str) -> None:
    """A person has looked: jobs may run. Audited. Raises `StudyNotHeld`."""
    with transaction.atomic():
        if not open_holds(study.tenant_id).filter(study=study).update(released_at=timezone.now(), released_by=actor):
            raise StudyNotHeld
        audit.record("study.released", tenant_id=study.tenant_id, actor=actor, subject=encode("std", study.id))
