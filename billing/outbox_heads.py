"""What can be sent next: serials whose first message is due, found without looking at all that waits behind it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models.expressions import RawSQL

from billing.models import OutboxMessage
from tenants.querysets import TenantQuerySet

WAITING = """
WITH RECURSIVE serials (serial) AS (
    SELECT min(serial) FROM billing_outboxmessage WHERE state = 'pending' AND serial > %s
    UNION ALL
    SELECT (SELECT min(each.serial) FROM billing_outboxmessage each
            WHERE each.state = 'pending' AND each.serial > serials.serial)
    FROM serials WHERE serials.serial IS NOT NULL
)
SELECT serial FROM serials WHERE (
    SELECT head.next_at <= %s AND (head.claimed_until IS NULL OR head.claimed_until <= %s)
    FROM billing_outboxmessage head
    WHERE head.state = 'pending' AND head.serial = serials.serial ORDER BY head.created_at, head.id LIMIT 1
) LIMIT %s
"""
"""A step for each serial, none for each message."""


def waiting(now: datetime, after: str, count: int) -> list[str]:
    """Serials behind `after`, in order, whose first message is due and free. Call in the operator's scope."""
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [after, moment, moment, count])
        return [serial for (serial,) in cursor.fetchall()]


def first(serial: str) -> OutboxMessage | None:
    """The first message of a serial that has not ended."""
    found: OutboxMessage | None = _pending(serial).order_by("created_at", "id").first()
    return found


def in_hand(serial: str, now: datetime) -> bool:
    """Whether a relay has any of a serial's messages in hand: one that was written late may stand before it."""
    return bool(_pending(serial).filter(claimed_until__isnull=False, claimed_until__gt=now).exists())


def lock(serial: str) -> None:
    """Until the transaction ends nobody else claims of this serial; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 21))", [f"outbox:{serial}"])


def _pending(serial: str) -> TenantQuerySet[OutboxMessage]:
    # a literal, not a parameter: SQLite sees only then that the indexes of what is pending fit
    literal = RawSQL("'pending'", [])
    rows: TenantQuerySet[OutboxMessage] = OutboxMessage.objects.filter(state=literal, serial=serial)
    return rows
