"""Warnings at 50, 80 and 100 %: of a quota, of a spending cap, of the credits. Each once for its subject and period.

Cheap where nothing is reached: levels are compared in memory, and only a threshold that is passed writes a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from billing import clock, outbox
from billing.domain.money import ZERO, exact_arithmetic, plain
from billing.models import Alert, AlertKind

THRESHOLDS = (50, 80, 100)
NAMESPACE = UUID("5b2f6f0e-6f5c-5a53-9c1e-3d5c7a0b9e42")
"""Of the ids of alerts: what is the same alert has the same id, so that it and its message are written once."""


@dataclass(frozen=True, slots=True)
class Level:
    """How far something went, `before` and `after`, towards its `limit`.

    `subject` is "plugin:meter" for a quota, "soft" or "hard" for a cap, the currency for credits.
    """

    kind: AlertKind
    subject: str
    period_start: datetime
    before: Decimal
    after: Decimal
    limit: Decimal
    detail: Mapping[str, str] = field(default_factory=dict)


def reached(before: Decimal, after: Decimal, limit: Decimal) -> list[int]:
    """The thresholds, in percent of `limit`, above `before` and not above `after`; none where the limit is nothing."""
    if limit <= ZERO:
        return []
    with exact_arithmetic():
        return [each for each in THRESHOLDS if before * 100 < limit * each <= after * 100]


def check(tenant_id: UUID, level: Level) -> None:
    """Raise what the step from `before` to `after` has reached, unless it was raised in this period."""
    for threshold in reached(level.before, level.after, level.limit):
        _raise(tenant_id, level, threshold)


def open_alerts(tenant_id: UUID) -> list[Alert]:
    """Those that nobody has dismissed, the latest first."""
    return list(Alert.objects.for_tenant(tenant_id).filter(seen_at__isnull=True))


def dismiss(tenant_id: UUID, alert_id: UUID) -> bool:
    """Note that somebody has seen it. False where it is not open, or not the tenant's."""
    still_open = Alert.objects.for_tenant(tenant_id).filter(pk=alert_id, seen_at__isnull=True)
    return bool(still_open.update(seen_at=clock.now()))


def _raise(tenant_id: UUID, level: Level, threshold: int) -> None:
    name = f"{tenant_id}|{level.kind}|{level.subject}|{threshold}|{level.period_start.isoformat()}"
    alert = Alert(
        id=uuid5(NAMESPACE, name), tenant_id=tenant_id, kind=level.kind, subject=level.subject, threshold=threshold,
        period_start=level.period_start, raised_at=clock.now(),
        detail={"reached": str(plain(level.after)), "limit": str(plain(level.limit)), **level.detail},
    )  # fmt: skip
    Alert.objects.bulk_create([alert], ignore_conflicts=True)
    payload = {"alert": str(alert.id), "kind": str(level.kind), "subject": level.subject, "threshold": threshold}
    outbox.enqueue(tenant_id, "alert.raised", key=f"alert:{alert.id.hex}", payload=payload)
