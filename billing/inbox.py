"""The inbox: what providers tell us, stored once, answered at once, acted on later by looking at the object itself.

An event is only a reason to look. What is done follows from how the object stands now, so that events may come twice,
in any order, or days late, and the end is the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F

from billing import accounts, clock, providers
from billing.handlers import apply
from billing.handlers.context import Context
from billing.inbox_store import store
from billing.models import InboxState, ProviderAccount, ProviderEvent
from billing.providers.base import BillingProvider, Capability, Rejected, TryAgain
from tenants.context import operator_context

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
LONGEST_PAUSE = 3600.0
BACKFILL = timedelta(days=3)
"""So long a provider repeats a webhook; what it gave up after that is asked for."""
OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class InboxCount:
    """What one round did, in events."""

    processed: int = 0
    ignored: int = 0
    retried: int = 0
    parked: int = 0


def receive(provider_name: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Verify and store a webhook; whether it is new. Raises `InvalidSignature` and `NoSuchProvider`."""
    provider = providers.by_name(provider_name)
    return store(provider, [provider.parse_webhook(body, headers)]) == 1


def process(limit: int = 500, only: str | None = None) -> InboxCount:
    """Act on what waits, oldest first, of `only` this provider. Safe in any number at once and when killed."""
    done: Counter[str] = Counter()
    for _ in range(limit):
        event = _claim(only)
        if event is None:
            break
        done[_process(event)] += 1
    return InboxCount(done["processed"], done["ignored"], done["retried"], done["parked"])


def replay(event: ProviderEvent) -> bool:
    """Look at a parked event's object again; False for one that is not parked."""
    parked = ProviderEvent.objects.filter(pk=event.pk, state=InboxState.PARKED)
    return bool(parked.update(state=InboxState.PENDING, next_at=clock.now(), attempts=0))


def backfill() -> int:
    """Fetch the events that no webhook brought; how many were new."""
    found = 0
    for name in providers.configured():
        provider = providers.by_name(name)
        if Capability.BACKFILL in provider.capabilities:
            found += _backfill(provider)
    return found


def _backfill(provider: BillingProvider) -> int:
    now = clock.now()
    account = ProviderAccount.objects.filter(provider=provider.name).first()
    since = now - BACKFILL
    if account is not None and account.events_until is not None:
        since = max(since, account.events_until - OVERLAP)
    found = store(provider, provider.events_since(since))
    ProviderAccount.objects.filter(provider=provider.name).update(events_until=now)
    return found


def _claim(only: str | None) -> ProviderEvent | None:
    """Take the oldest event that is due, for the time of the lease."""
    now = clock.now()
    due = ProviderEvent.objects.filter(state=InboxState.PENDING, next_at__lte=now)
    due = due if only is None else due.filter(provider=only)
    for event in due.order_by("occurred_at", "id")[:5]:
        mine = due.filter(pk=event.pk, next_at=event.next_at)
        if mine.update(next_at=now + LEASE, attempts=F("attempts") + 1):
            event.attempts, event.next_at = event.attempts + 1, now + LEASE
            return event
    return None


def _process(event: ProviderEvent) -> str:
    began = clock.now()
    try:
        provider = accounts.usable(event.provider)
        facts = provider.fetch(event.object_kind, event.object_id, event.detail)
        with operator_context():
            done = facts is not None and apply.apply(facts, Context(provider, began))
            _end(event, InboxState.PROCESSED if done else InboxState.IGNORED)
    except TryAgain as failure:
        return _later(event, str(failure), after=failure.after)
    except Rejected as refusal:
        log.warning("billing.event_refused", event_id=event.external_id, type=event.type, reason=str(refusal))
        return _later(event, str(refusal))
    except Exception as fault:
        log.exception("billing.event_failed", event_id=event.external_id, type=event.type)
        return _later(event, repr(fault)[:500])
    return "processed" if done else "ignored"


def _end(event: ProviderEvent, state: InboxState) -> None:
    _mine(event).update(state=state, processed_at=clock.now(), last_error="")


def _later(event: ProviderEvent, reason: str, *, after: float | None = None) -> str:
    if event.attempts >= MOST_ATTEMPTS:
        _mine(event).update(state=InboxState.PARKED, last_error=reason)
        return "parked"
    _mine(event).update(next_at=_next_at(event.attempts, after), last_error=reason)
    return "retried"


def _next_at(attempts: int, after: float | None) -> datetime:
    pause = min(LONGEST_PAUSE, 4.0**attempts)
    return clock.now() + timedelta(seconds=after or random.uniform(pause / 2, pause))  # noqa: S311 jitter


def _mine(event: ProviderEvent) -> Any:
    """The event, if the claim still stands."""
    return ProviderEvent.objects.filter(pk=event.pk, state=InboxState.PENDING, next_at=event.next_at)
