"""The tenant's times: so many days for each kind, or for ever."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.domain.errors import UserError
from inference.models import RetentionKind, RetentionRule
from tenants import audit

LONGEST_DAYS = 36_500


class InvalidDays(UserError):
    """No number of days."""

    code = "invalid_days"
    template = "Give whole days from 1 to %(most)s, or leave the field empty to keep."


def of(tenant_id: UUID) -> dict[RetentionKind, int | None]:
    """Days by kind; None where things of the kind are kept."""
    rows = RetentionRule.objects.for_tenant(tenant_id).values_list("kind", "days")
    given = {RetentionKind(kind): days for kind, days in rows}
    return {kind: given.get(kind) for kind in RetentionKind}


def change(tenant_id: UUID, days: Mapping[RetentionKind, int | None], *, actor: str) -> None:
    """Set the times of the kinds that are named. Audited. Raises `InvalidDays`."""
    if any(number is not None and not 1 <= number <= LONGEST_DAYS for number in days.values()):
        raise InvalidDays(most=LONGEST_DAYS)
    with transaction.atomic():
        rows = RetentionRule.objects.for_tenant(tenant_id)
        for kind, number in days.items():
            if number is None:
                rows.filter(kind=kind.value).delete()
            else:
                fresh = {"days": number, "updated_at": timezone.now()}
                rows.update_or_create(tenant_id=tenant_id, kind=kind.value, defaults=fresh)
        told = {kind.value: number for kind, number in days.items()}
        audit.record("retention.rule_changed", tenant_id=tenant_id, actor=actor, days=told)
