"""The relay: brings the outbox's messages to whoever collects.

A message is claimed for a time, sent outside of any transaction, and its outcome is written if the claim still stands.
Messages of one serial go one at a time and in order. Before each attempt it is noted that the message may arrive, so
that a relay that is killed at any point leaves the truth behind: nothing is lost, and nothing is sent blindly again.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

import structlog
from django.db.models import F
from django.db.models.functions import Coalesce

from billing import accounts, clock, customers, outbox_heads, providers
from billing.delivery import topics
from billing.delivery.attempt import Attempt
from billing.models import BillingCustomer, OutboxMessage, OutboxState
from billing.providers.base import BillingProvider, Rejected, TryAgain
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
BATCH, RUN = 20, 50
"""Serials that are looked up at once, and messages of one that are sent before another one's turn."""
LONGEST_PAUSE = 3600.0
"""Between two attempts, seconds."""
MOST_FAULTS = 10
"""So many attempts may end in an error that is nobody's answer: then a person has to look."""
_last = threading.local()
"""The serial at which this thread stopped: the next round begins behind it, so that each one's turn comes."""


@dataclass(frozen=True, slots=True)
class RelayCount:
    """What one round did, in messages; `local` went nowhere because nobody outside collects."""

    local: int = 0
    delivered: int = 0
    retried: int = 0
    parked: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt, and what is written about it."""

    name: str
    values: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether those behind it may go."""
        return self.name in (OutboxState.DELIVERED, OutboxState.PARKED)


def drain(limit: int = 500) -> RelayCount:
    """Send what is due, at most `limit` messages to outside. Safe in any number at once and when killed."""
    done: Counter[str] = Counter(local=_deliver_local())
    for head in _in_turn():
        _follow(head, min(RUN, limit - done["sent"]), done)
        if done["sent"] >= limit:
            break
    return RelayCount(done["local"], done["delivered"], done["retried"], done["parked"])


def claim(count: int, after: str = "") -> list[OutboxMessage]:
    """Take the first due message of each serial behind `after`, for the time of the lease."""
    with operator_context():
        serials = outbox_heads.waiting(clock.now(), after, count)
    taken = (_take(serial) for serial in serials)
    return [message for message in taken if message is not None]


def replay(message: OutboxMessage) -> bool:
    """Send a parked message again; False for one that is not parked."""
    parked = OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.PARKED)
    return bool(parked.update(state=OutboxState.PENDING, next_at=clock.now(), claimed_until=None))


def _in_turn() -> Iterator[OutboxMessage]:
    """Claim serial after serial, from where the last round stopped, until none is left that can be taken."""
    after = getattr(_last, "serial", "")
    while True:
        with operator_context():
            serials = outbox_heads.waiting(clock.now(), after, BATCH)
        if not serials and not after:
            return
        for serial in serials:
            _last.serial = serial
            # taken when its turn has come: a claim that lies about keeps other relays from it
            if (head := _take(serial)) is not None:
                yield head
        after = serials[-1] if serials else ""


def _take(serial: str) -> OutboxMessage | None:
    """Claim what is first in a serial; None where it is not due, or where any of it is in another relay's hand."""
    with operator_context():
        outbox_heads.lock(serial)
        now = clock.now()
        first = outbox_heads.first(serial)
        if first is None or first.next_at > now or outbox_heads.in_hand(serial, now):
            return None
        first.claimed_until = now + LEASE
        OutboxMessage.objects.filter(pk=first.pk).update(claimed_until=first.claimed_until)
    return first


def _follow(head: OutboxMessage, most: int, done: Counter[str]) -> None:
    """Send a message and those behind it in its serial, one after the other, until one does not arrive."""
    provider = _Once(head.tenant_id)
    with operator_context():
        attempt = _begin(head)
    while attempt is not None:
        most -= 1
        outcome = _attempt(attempt, provider)
        kept, attempt = _turn(attempt, outcome, more=most > 0)
        done.update((outcome.name if kept else "lost", "sent"))


def _turn(attempt: Attempt, outcome: Outcome, *, more: bool) -> tuple[bool, Attempt | None]:
    """Write what became of an attempt, and begin the next of its serial, which so is never out of our hand."""
    with operator_context():
        kept = bool(_claimed(attempt.message, attempt.until).update(**outcome.values))
        now = clock.now()
        if not (kept and outcome.ended and more and now < attempt.until):
            return kept, None
        following = outbox_heads.first(attempt.message.serial)
        free = following is not None and not (following.claimed_until and following.claimed_until > now)
        return kept, _begin(following) if following is not None and free and following.next_at <= now else None


class _Once:
    """The provider of a tenant, asked for once in a run."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id

    @cached_property
    def provider(self) -> BillingProvider:
        with operator_context():
            name = customers.of(self.tenant_id).provider
        return accounts.usable(name)


def _deliver_local() -> int:
    """In one statement: where we collect ourselves, a message has arrived when it is written."""
    now = clock.now()
    with operator_context():
        outside = BillingCustomer.objects.exclude(provider=providers.LOCAL)
        local = BillingCustomer.objects.filter(provider=providers.LOCAL)
        waiting = OutboxMessage.objects.filter(state=OutboxState.PENDING).exclude(topic__in=topics.LOCAL_TOO)
        ours = (
            waiting.exclude(tenant__in=outside.values("tenant"))
            if providers.default_name() == providers.LOCAL
            else waiting.filter(tenant__in=local.values("tenant"))
        )
        moved: int = ours.update(state=OutboxState.DELIVERED, delivered_at=now, attempts=F("attempts") + 1)
        return moved


def _attempt(attempt: Attempt, once: _Once) -> Outcome:
    """One attempt, outside of transactions."""
    try:
        noted = topics.deliver(attempt, once.provider)
    except TryAgain as failure:
        return _later(attempt, str(failure), after=failure.after, ambiguous=failure.ambiguous)
    except Rejected as refusal:
        return _end(OutboxState.PARKED, str(refusal), ambiguous=attempt.was_ambiguous)
    except Exception as fault:
        log.exception("billing.relay_failed", key=attempt.message.key, topic=attempt.message.topic)
        if attempt.number >= MOST_FAULTS:
            return _end(OutboxState.PARKED, repr(fault)[:500], ambiguous=True)
        return _later(attempt, repr(fault)[:500], ambiguous=True)
    return _end(OutboxState.DELIVERED, "", ambiguous=False, payload={**attempt.message.payload, **noted})


def _begin(message: OutboxMessage) -> Attempt | None:
    """Note that the message may arrive from now on; None where the claim was lost. Call in the operator's scope."""
    now = clock.now()
    until = now + LEASE
    begun = _claimed(message, message.claimed_until).update(
        attempts=F("attempts") + 1, ambiguous=True, claimed_until=until,
        first_attempt_at=Coalesce("first_attempt_at", now),
    )  # fmt: skip
    if not begun:
        return None
    return Attempt(message, message.attempts + 1, until, message.ambiguous, message.first_attempt_at or now)


def _later(attempt: Attempt, reason: str, *, after: float | None = None, ambiguous: bool) -> Outcome:
    pause = min(LONGEST_PAUSE, 2.0 ** min(attempt.number, 12))
    pause = random.uniform(pause / 2, pause) if after is None else after + random.uniform(0, 1)  # noqa: S311 jitter
    # what may have arrived once may have arrived for ever
    unclear = ambiguous or attempt.was_ambiguous
    values = {
        "claimed_until": None, "next_at": clock.now() + timedelta(seconds=pause), "last_error": reason,
        "ambiguous": unclear, "first_attempt_at": attempt.first_at if unclear else None,
    }  # fmt: skip
    return Outcome("retried", values)


def _end(state: OutboxState, reason: str, **values: object) -> Outcome:
    delivered_at = clock.now() if state == OutboxState.DELIVERED else None
    written = {"state": state, "claimed_until": None, "last_error": reason, "delivered_at": delivered_at}
    return Outcome(state.value, written | values)


def _claimed(message: OutboxMessage, until: datetime | None) -> TenantQuerySet[OutboxMessage]:
    rows: TenantQuerySet[OutboxMessage] = OutboxMessage.objects.filter(
        pk=message.pk, state=OutboxState.PENDING, claimed_until=until
    )
    return rows
