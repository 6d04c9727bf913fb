"""What the operator may learn from: signed findings, with the tenant's consent. Without it nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.utils import timezone

from inference.domain.reading import ReadFinding, Reading
from inference.domain.report import Finding as FoundFinding
from inference.models import Instance, LabelledExample, LearningConsent, Result
from tenants import audit
from tenants.ids import decode


def consents(tenant_id: UUID) -> bool:
    """Whether the tenant lets its signed findings be kept for training. No is the default."""
    return bool(LearningConsent.objects.for_tenant(tenant_id).filter(given=True).exists())


def set_consent(tenant_id: UUID, given: bool, *, actor: str) -> None:
    """Give or take back; counts for signatures from now on. Examples that were kept before stay."""
    if consents(tenant_id) == given:
        return
    row = LearningConsent.objects.for_tenant(tenant_id).first() or LearningConsent(tenant_id=tenant_id)
    row.given = given
    store(row, actor=actor)


def store(row: LearningConsent, *, actor: str) -> None:
    """Write the consent as it is in hand, with a trace in the tenant's audit."""
    row.changed_at = timezone.now()
    row.save()
    subject = str(row.tenant_id)
    audit.record("learning_consent.changed", tenant_id=row.tenant_id, actor=actor, subject=subject, given=row.given)


def keep(result: Result, reading: Reading) -> int:
    """Store the findings of a result that is being signed, if the tenant consents now; how many."""
    if not consents(result.tenant_id):
        return 0
    digests = _digests(result, reading)
    rows = [_example(result, one, digests) for one in reading.findings]
    return len(LabelledExample.objects.bulk_create(rows))


def _example(result: Result, one: ReadFinding, digests: dict[str, str]) -> LabelledExample:
    after = None if one.status == "rejected" else one.finding
    shown = _instances(found for found in (one.machine, after) if found)
    return LabelledExample(
        tenant_id=result.tenant_id,
        result=result,
        finding_id=decode("fnd", one.id),
        plugin=result.model["plugin"],
        version=result.model["version"],
        weights_sha256=result.model.get("weights_sha256", ""),
        verdict=one.status,
        before=_body(one.machine),
        after=_body(after),
        instances_sha256=sorted({digests[each] for each in shown if each in digests}),
    )


def _body(found: FoundFinding | None) -> dict[str, Any] | None:
    return asdict(found) if found else None


def _instances(findings: Iterable[FoundFinding]) -> set[str]:
    return {each.instance_id for found in findings for each in found.location.instances if each.instance_id}


def _digests(result: Result, reading: Reading) -> dict[str, str]:
    """Digest by id of the study's images; none are left of a deleted study."""
    rows = Instance.objects.for_tenant(result.tenant_id).filter(study_id=result.job.study_id)
    return {str(key): sha256 for key, sha256 in rows.values_list("id", "sha256")} if result.job.study_id else {}
