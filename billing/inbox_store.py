"""Keeping what providers tell us: each event once, by its id, before anything is done about it."""

from __future__ import annotations

from collections.abc import Iterable

from billing import clock
from billing.models import InboxState, ProviderEvent
from billing.providers.base import BillingProvider
from billing.providers.facts import KINDS
from billing.providers.orders import IncomingEvent


def store(provider: BillingProvider, events: Iterable[IncomingEvent]) -> int:
    """Keep events by their ids; how many are new."""
    rows = {event.external_id: _row(provider, event) for event in events}
    known = ProviderEvent.objects.filter(provider=provider.name, external_id__in=list(rows))
    fresh = rows.keys() - set(known.values_list("external_id", flat=True))
    ProviderEvent.objects.bulk_create([rows[key] for key in rows if key in fresh], ignore_conflicts=True)
    return len(fresh)


def look_again(provider: BillingProvider, kind: str, external_id: str, *, because: str) -> None:
    """Look at an object as if an event had come: what came before we knew whose it is had been let go."""
    now = clock.now()
    key = f"again:{kind}:{external_id}:{because}"[:100]
    event = IncomingEvent(key, "look.again", provider.livemode, now, kind, external_id)
    store(provider, [event])


def _row(provider: BillingProvider, event: IncomingEvent) -> ProviderEvent:
    """What can change nothing here is kept, and let go at once."""
    other_mode = event.livemode != provider.livemode
    ignored = other_mode or event.object_kind not in KINDS
    return ProviderEvent(
        provider=provider.name, external_id=event.external_id, type=event.type[:100], thin=event.thin,
        livemode=event.livemode, object_kind=event.object_kind[:64], object_id=event.object_id[:100],
        detail=dict(event.detail), occurred_at=event.occurred_at, received_at=clock.now(), next_at=clock.now(),
        state=InboxState.IGNORED if ignored else InboxState.PENDING,
        last_error="of the other mode" if other_mode else "",
    )  # fmt: skip
