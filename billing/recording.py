"""The billable facts of finished jobs: their usage events, their bookings, their messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billing import clock, ledger, outbox
from billing.ledger import Booking, Posting
from billing.models import Account, Reservation, UsageEvent
from billing.outbox import Message


def record(places: Sequence[Reservation], compute_ms: Mapping[UUID, int | None]) -> list[UsageEvent]:
    """Write it all, at the places' quotes, each kind of row by one statement; `compute_ms` is by job.

    Raises `IntegrityError` for a job that has been recorded on the meter.
    """
    if not places:
        return []
    now = clock.now()
    events = UsageEvent.objects.bulk_create([_event(each, compute_ms[each.job_id], now) for each in places])
    ledger.post_all([booking for event in events for booking in _bookings(event)])
    outbox.enqueue_all([_message(event) for event in events])
    return list(events)


def _event(place: Reservation, compute_ms: int | None, now: datetime) -> UsageEvent:
    return UsageEvent(
        tenant_id=place.tenant_id, subscription_id=place.counter.subscription_id, reservation=place,
        counter=place.counter, price_id=place.price_id, meter_id=place.counter.meter_id, job_id=place.job_id,
        plugin=place.plugin, unit=place.unit, quantity=place.quantity, metered=place.metered, amount=place.amount,
        credited=place.credited, currency=place.currency, occurred_at=now, compute_ms=compute_ms,
    )  # fmt: skip


def _bookings(event: UsageEvent) -> list[Booking]:
    """The customer owes the exact amount from now on, invoiced or not, and pays with credits what they cover."""
    postings = {
        "accrual": (Posting(Account.ACCRUED, event.amount), Posting(Account.REVENUE, -event.amount)),
        "credit": (Posting(Account.CREDIT, event.credited), Posting(Account.ACCRUED, -event.credited)),
    }
    return [
        Booking(event.tenant_id, ("usage_event", event.id), kind, event.currency, sides, event.occurred_at)
        for kind, sides in postings.items()
    ]


def _message(event: UsageEvent) -> Message:
    return Message(
        event.tenant_id, "usage.recorded", key=f"usage:{event.id.hex}",
        payload={"usage_event": str(event.id), "job": str(event.job_id), "metered": str(event.metered)},
        serial=f"usage:{event.tenant_id}:{event.meter_id}",
    )  # fmt: skip
