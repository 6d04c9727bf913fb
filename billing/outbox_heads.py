"""What can be sent next: the first messages of serials that are due, found without looking at all that waits behind."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef
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
LEADING = """
SELECT id FROM (
    SELECT id FROM billing_outboxmessage WHERE state = 'pending' AND serial = %s ORDER BY created_at, id LIMIT %s
) AS first_of_serial
"""
FREE = """
SELECT serial FROM unnest(%s::text[]) AS serial
WHERE pg_try_advisory_xact_lock(hashtextextended('outbox:' || serial, 21))
"""


def waiting(now: datetime, after: str, count: int) -> list[str]:
    """Serials behind `after`, in order, whose first message is due and free. Call in the operator's scope."""
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [after, moment, moment, count])
        return [serial for (serial,) in cursor.fetchall()]


def leading(serials: list[str], now: datetime, most: int) -> list[OutboxMessage]:
    """The first messages of each serial, in order, up to `most` of each; locked until the transaction ends.

    None of a serial of which a relay has any in hand: one that was written late may stand before it.
    """
    if not serials:
        return []
    each_of_them = " UNION ALL ".join([LEADING] * len(serials))
    first = RawSQL(each_of_them, [value for name in serials for value in (name, most)])  # noqa: S611 a constant
    in_hand = _pending().filter(serial=OuterRef("serial"), claimed_until__isnull=False, claimed_until__gt=now)
    rows = _pending().filter(~Exists(in_hand), pk__in=first).order_by("serial", "created_at", "id")
    return list(rows.select_for_update(no_key=True))


def lock(serials: list[str]) -> list[str]:
    """Those of which nobody else claims just now; until the transaction ends nobody will. SQLite has one writer anyway.

    Nobody is waited for, so that no two who claim of several serials can wait for each other.
    """
    if connection.vendor != "postgresql" or not serials:
        return serials
    with connection.cursor() as cursor:
        cursor.execute(FREE, [serials])
        return [serial for (serial,) in cursor.fetchall()]


def _pending() -> TenantQuerySet[OutboxMessage]:
    # a literal, not a parameter: SQLite sees only then that the indexes of what is pending fit
    literal = RawSQL("'pending'", [])
    rows: TenantQuerySet[OutboxMessage] = OutboxMessage.objects.filter(state=literal)
    return rows
