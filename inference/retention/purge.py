"""The chore of retention: find what is past its time, delete it with its bytes, certify it.

Safe in any number and when killed: each thing is deleted in a transaction of its own that looks at it again, and bytes
go after the commit. A thing that can not be deleted keeps no other from being deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Sum

from inference import studies
from inference.blobs import remove_unneeded
from inference.domain.errors import UserError
from inference.domain.states import ACTIVE, ENDED
from inference.models import Artifact, Job, Result, RetentionKind, RetentionRule, Study
from inference.retention.certificates import Deleted, issue
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.querysets import TenantQuerySet

ACTOR = "retention"
PUT_OFF = timedelta(hours=1)
"""Until what the database refused to delete (a signed result) is tried again."""
BATCH = 100
"""Of one rule in one round; the next round is seconds away."""

log = structlog.get_logger(__name__)
_put_off: dict[UUID, datetime] = {}


@dataclass(frozen=True, slots=True)
class Due:
    """One thing past its time."""

    tenant_id: UUID
    kind: RetentionKind
    row_id: UUID
    rule: str
    since: datetime

    @property
    def public_id(self) -> str:
        """As the certificate names it."""
        return encode("std" if self.kind == RetentionKind.STUDIES else "job", self.row_id)


def due(now: datetime) -> list[Due]:
    """What is past its time, at most `BATCH` of each rule; what is held or still worked on is left out."""
    with operator_context():
        rules = list(RetentionRule.objects.order_by("tenant_id", "kind"))
        return [one for rule in rules for one in _due_by(rule, now)]


def _due_by(rule: RetentionRule, now: datetime) -> Iterator[Due]:
    kind, before = RetentionKind(rule.kind), now - timedelta(days=rule.days)
    rows, moment = EXPIRED[kind](rule.tenant_id, before)
    for row_id, since in rows.order_by(moment).values_list("id", moment)[:BATCH]:
        yield Due(rule.tenant_id, kind, row_id, f"{kind.value}:{rule.days}d", since)


def run(now: datetime) -> int:
    """Delete all that is due; how many things."""
    return sum(_delete(one, now) for one in due(now) if _put_off.get(one.row_id, now) <= now)


def _delete(one: Due, now: datetime) -> bool:
    try:
        with tenant_context(one.tenant_id):
            return DELETE[one.kind](one)
    except UserError:
        # somebody placed a hold, submitted a job or deleted it meanwhile
        return False
    except DatabaseError:
        log.exception("retention.not_deleted", kind=one.kind.value, subject=one.public_id)
        _put_off[one.row_id] = now + PUT_OFF
        return False


Expired = tuple[TenantQuerySet[Any], str]


def _studies(tenant_id: UUID, before: datetime) -> Expired:
    rows = Study.objects.for_tenant(tenant_id).filter(created_at__lt=before, legal_hold=None)
    return rows.exclude(jobs__state__in=ACTIVE), "created_at"


def _jobs(tenant_id: UUID, before: datetime) -> TenantQuerySet[Job]:
    rows: TenantQuerySet[Job] = Job.objects.for_tenant(tenant_id).filter(state__in=ENDED, finished_at__lt=before)
    return rows.exclude(study__legal_hold__isnull=False)


def _results(tenant_id: UUID, before: datetime) -> Expired:
    return _jobs(tenant_id, before).filter(result__isnull=False), "finished_at"


def _artifacts(tenant_id: UUID, before: datetime) -> Expired:
    having = Artifact.objects.for_tenant(tenant_id).values("result__job")
    return _jobs(tenant_id, before).filter(id__in=having), "finished_at"


def _inputs(tenant_id: UUID, before: datetime) -> Expired:
    return _jobs(tenant_id, before).filter(inline__isnull=False), "finished_at"


def _delete_study(one: Due) -> bool:
    study: Study | None = Study.objects.for_tenant(one.tenant_id).filter(pk=one.row_id).first()
    if study is None:
        return False
    studies.delete(study, actor=ACTOR, rule=one.rule)
    return True


def _delete_result(one: Due) -> bool:
    return _delete_artifacts(one, whole_result=True)


def _delete_artifacts(one: Due, whole_result: bool = False) -> bool:
    """Artifacts of a job's result, or the result with them."""
    with transaction.atomic():
        # one worker at a time for a result: the second one finds nothing
        result = Result.objects.for_tenant(one.tenant_id).select_for_update().filter(job_id=one.row_id).first()
        if result is None:
            return False
        artifacts = Artifact.objects.for_tenant(one.tenant_id).filter(result=result)
        digests = set(artifacts.values_list("sha256", flat=True))
        size = artifacts.aggregate(total=Sum("size_bytes"))["total"] or 0
        if not digests and not whole_result:
            return False
        artifacts.delete()
        if whole_result:
            result.delete()
        issue(one.tenant_id, Deleted(one.kind, one.public_id, len(digests), size, one.rule), actor=ACTOR)
        transaction.on_commit(lambda: remove_unneeded(one.tenant_id, digests))
    return True


def _delete_input(one: Due) -> bool:
    rows = Job.objects.for_tenant(one.tenant_id).filter(pk=one.row_id, state__in=ENDED, inline__isnull=False)
    if not rows.update(inline=None):
        return False
    issue(one.tenant_id, Deleted(one.kind, one.public_id, 0, 0, one.rule), actor=ACTOR)
    return True


EXPIRED: dict[RetentionKind, Callable[[UUID, datetime], Expired]] = {
    RetentionKind.STUDIES: _studies,
    RetentionKind.RESULTS: _results,
    RetentionKind.ARTIFACTS: _artifacts,
    RetentionKind.INPUTS: _inputs,
}
DELETE: dict[RetentionKind, Callable[[Due], bool]] = {
    RetentionKind.STUDIES: _delete_study,
    RetentionKind.RESULTS: _delete_result,
    RetentionKind.ARTIFACTS: _delete_artifacts,
    RetentionKind.INPUTS: _delete_input,
}
