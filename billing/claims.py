"""The relay's claims: runs of messages taken for a time, and what became of them, written where the claim still stands.

With the claim it is noted that each of its messages may arrive from now on, so that a relay that is killed at any point
leaves the truth behind. What was never begun is put back as it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby, islice, takewhile
from typing import Any

from django.db.models import F, Func, JSONField, Value
from django.db.models.functions import Coalesce

from billing import clock, outbox_heads
from billing.delivery.attempt import Attempt, Outcome
from billing.models import OutboxMessage, OutboxState
from tenants.context import operator_context

LEASE = timedelta(minutes=5)
BEGIN_WITHIN = 5
"""Calls begin within this part of the lease, so that the last of them has the rest to end in."""
LOST = "lost"
Run = list[Attempt]
"""Messages of one serial, in order."""
Ended = tuple[Attempt, Outcome]


class Merged(Func):
    """A JSON object with the members of another one added."""

    function = "JSON_PATCH"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s", arg_joiner=" || ", **context)


def take(serials: list[str], each: int, limit: int) -> list[Run]:
    """Claim the first due messages of serials, up to `each` of one and `limit` in all. Call in the operator's scope."""
    now = clock.now()
    found = outbox_heads.leading(outbox_heads.lock(serials), now, min(each, limit))
    runs = (takewhile(lambda row: row.next_at <= now, rows) for _serial, rows in groupby(found, lambda row: row.serial))
    chosen = list(islice((row for run in runs for row in run), limit))
    until = now + LEASE
    OutboxMessage.objects.filter(pk__in=[row.pk for row in chosen]).update(
        attempts=F("attempts") + 1, ambiguous=True, claimed_until=until,
        first_attempt_at=Coalesce("first_attempt_at", now),
    )  # fmt: skip
    attempts = (
        Attempt(row, row.attempts + 1, until, now + LEASE / BEGIN_WITHIN, row.ambiguous, row.first_attempt_at or now)
        for row in chosen
    )
    return [list(run) for _serial, run in groupby(attempts, lambda attempt: attempt.message.serial)]


def write(ended: Iterable[Ended]) -> Counter[str]:
    """Write what became of attempts, those alike in one statement; how many by name, `LOST` where the claim was."""
    alike: defaultdict[str, list[Ended]] = defaultdict(list)
    for attempt, outcome in ended:
        alike[repr((attempt.until, outcome.values, sorted(outcome.noted.items())))].append((attempt, outcome))
    done: Counter[str] = Counter()
    if alike:
        with operator_context():
            for group in alike.values():
                _write([attempt for attempt, _ in group], group[0][1], done)
    return done


def _write(attempts: Run, outcome: Outcome, done: Counter[str]) -> None:
    values = dict(outcome.values)
    if outcome.name == OutboxState.DELIVERED:
        values["delivered_at"] = clock.now()
    if outcome.noted:
        values["payload"] = Merged("payload", Value(outcome.noted, JSONField()))
    ids = [attempt.message.pk for attempt in attempts]
    claimed = OutboxMessage.objects.filter(state=OutboxState.PENDING, claimed_until=attempts[0].until)
    kept = claimed.filter(pk__in=ids).update(**values)
    done.update({outcome.name: kept, LOST: len(ids) - kept})
