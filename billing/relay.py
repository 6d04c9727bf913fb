"""The relay: brings the outbox's messages to whoever collects.

A message is claimed for a time, sent outside of any transaction, and its outcome is written if the claim still stands.
Messages of one serial go one at a time and in order. Before each attempt it is noted that the message may arrive, so
that a relay that is killed at any point leaves the truth behind: nothing is lost, and nothing is sent blindly again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from billing import accounts, clock, customers, providers
from billing.delivery import topics
from billing.delivery.attempt import Attempt
from billing.models import BillingCustomer, OutboxMessage, OutboxState
from billing.providers.base import BillingProvider, Rejected, TryAgain
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
BATCH, RUN = 20, 50
"""Serials that are claimed at once, and messages of one that are sent before another one's turn."""
LONGEST_PAUSE = 3600.0
"""Between two attempts, seconds."""
MOST_FAULTS = 10
"""So many attempts may end in an error that is nobody's answer: then a person has to look."""


@dataclass(frozen=True, slots=True)
class RelayCount:
    """What one round did, in messages; `local` went nowhere because nobody outside collects."""

    local: int = 0
    delivered: int = 0
    retried: int = 0
    parked: int = 0


def drain(limit: int = 500) -> RelayCount:
    """Send what is due, at most `limit` messages to outside. Safe in any number at once and when killed."""
    done: Counter[str] = Counter(local=_deliver_local())
    while (left := limit - done["sent"]) > 0 and (heads := claim(min(BATCH, left))):
        for head in heads:
            _follow(head, min(RUN, limit - done["sent"]), done)
    return RelayCount(done["local"], done["delivered"], done["retried"], done["parked"])


def _follow(head: OutboxMessage, most: int, done: Counter[str]) -> None:
    """Send a message and those behind it in its serial, one after the other, until one does not arrive."""
    message = head
    for left in range(max(1, most) - 1, -1, -1):
        outcome = _attempt(message)
        done.update((outcome, "sent"))
        ended = outcome in (OutboxState.DELIVERED, OutboxState.PARKED)
        # only what will be sent is claimed
        following = _next(message.serial) if ended and left else None
        if following is None:
            return
        message = following


def claim(count: int) -> list[OutboxMessage]:
    """Take the first due message of each serial, for the time of the lease."""
    now = clock.now()
    with operator_context():
        due = _heads(now).select_for_update(skip_locked=True, of=("self",), no_key=True)
        chosen = list(due.order_by("next_at", "id")[:count])
        until = now + LEASE
        OutboxMessage.objects.filter(pk__in=[each.pk for each in chosen]).update(claimed_until=until)
    for message in chosen:
        message.claimed_until = until
    return chosen


def _next(serial: str) -> OutboxMessage | None:
    """Claim what is first in a serial now; None where it is not due, or in another relay's hand."""
    if not serial:
        return None
    now = clock.now()
    with operator_context():
        pending = OutboxMessage.objects.filter(state=OutboxState.PENDING, serial=serial)
        first: OutboxMessage | None = pending.order_by("created_at", "id").first()
        if first is None or first.next_at > now:
            return None
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
        until = now + LEASE
        if not pending.filter(free, pk=first.pk).update(claimed_until=until):
            return None
    first.claimed_until = until
    return first


def replay(message: OutboxMessage) -> bool:
    """Send a parked message again; False for one that is not parked."""
    parked = OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.PARKED)
    return bool(parked.update(state=OutboxState.PENDING, next_at=clock.now(), claimed_until=None))


def _heads(now: datetime) -> TenantQuerySet[OutboxMessage]:
    """Due messages with nothing before them in their serial, and nothing of it in another relay's hand."""
    pending = OutboxMessage.objects.filter(state=OutboxState.PENDING)
    same = pending.filter(serial=OuterRef("serial")).order_by()
    earlier = same.filter(
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    )
    in_hand = same.filter(claimed_until__gt=now)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    first = Q(serial="") | (~Exists(earlier) & ~Exists(in_hand))
    heads: TenantQuerySet[OutboxMessage] = pending.filter(free, first, next_at__lte=now)
    return heads


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


def _attempt(message: OutboxMessage) -> str:
    """One attempt outside of transactions: delivered, retried, parked, or lost to another relay."""
    attempt = _begin(message)
    if attempt is None:
        return "lost"
    try:
        noted = topics.deliver(attempt, _provider(message))
    except TryAgain as failure:
        return _later(attempt, str(failure), after=failure.after, ambiguous=failure.ambiguous)
    except Rejected as refusal:
        return _end(attempt, OutboxState.PARKED, str(refusal), ambiguous=attempt.was_ambiguous)
    except Exception as fault:
        log.exception("billing.relay_failed", key=message.key, topic=message.topic)
        if attempt.number >= MOST_FAULTS:
            return _end(attempt, OutboxState.PARKED, repr(fault)[:500], ambiguous=True)
        return _later(attempt, repr(fault)[:500], ambiguous=True)
    return _end(attempt, OutboxState.DELIVERED, "", ambiguous=False, payload={**message.payload, **noted})


def _provider(message: OutboxMessage) -> BillingProvider:
    with operator_context():
        name = customers.of(message.tenant_id).provider
    try:
        provider = providers.by_name(name)
    except providers.NoSuchProvider as missing:
        raise TryAgain(f"the provider {name} is not set up", after=LONGEST_PAUSE) from missing
    if wrong := accounts.fault(provider):
        raise TryAgain(wrong, after=LONGEST_PAUSE)
    return provider


def _begin(message: OutboxMessage) -> Attempt | None:
    """Note that the message may arrive from now on; None where the claim was lost."""
    now = clock.now()
    until = now + LEASE
    with operator_context():
        begun = _claimed(message, message.claimed_until).update(
            attempts=F("attempts") + 1, ambiguous=True, claimed_until=until,
            first_attempt_at=Coalesce("first_attempt_at", now),
        )  # fmt: skip
    if not begun:
        return None
    return Attempt(message, message.attempts + 1, until, message.ambiguous, message.first_attempt_at or now)


def _later(attempt: Attempt, reason: str, *, after: float | None = None, ambiguous: bool) -> str:
    pause = min(LONGEST_PAUSE, 2.0 ** min(attempt.number, 12))
    pause = random.uniform(pause / 2, pause) if after is None else after + random.uniform(0, 1)  # noqa: S311 jitter
    next_at = clock.now() + timedelta(seconds=pause)
    # what may have arrived once may have arrived for ever
    unclear = ambiguous or attempt.was_ambiguous
    with operator_context():
        kept = _claimed(attempt.message, attempt.until).update(
            claimed_until=None, next_at=next_at, last_error=reason, ambiguous=unclear,
            first_attempt_at=attempt.first_at if unclear else None,
        )  # fmt: skip
    return "retried" if kept else "lost"


def _end(attempt: Attempt, state: OutboxState, reason: str, **values: object) -> str:
    delivered_at = clock.now() if state == OutboxState.DELIVERED else None
    with operator_context():
        kept = _claimed(attempt.message, attempt.until).update(
            state=state, claimed_until=None, last_error=reason, delivered_at=delivered_at, **values
        )
    return state.value if kept else "lost"


def _claimed(message: OutboxMessage, until: datetime | None) -> TenantQuerySet[OutboxMessage]:
    rows: TenantQuerySet[OutboxMessage] = OutboxMessage.objects.filter(
        pk=message.pk, state=OutboxState.PENDING, claimed_until=until
    )
    return rows
