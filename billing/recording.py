"""The billable fact of a finished job: its usage event, its bookings, its message."""

from __future__ import annotations

from billing import clock, ledger, outbox
from billing.ledger import Posting
from billing.models import Account, Reservation, UsageEvent


def record(reservation: Reservation, compute_ms: int | None) -> UsageEvent:
    """Write it all, at the place's quote. Raises `IntegrityError` for a job that has been recorded on the meter."""
    event = _write(reservation, compute_ms)
    _book(event)
    outbox.enqueue(
        event.tenant_id, "usage.recorded", key=f"usage:{event.id.hex}",
        payload={"usage_event": str(event.id), "job": str(event.job_id), "metered": str(event.metered)},
        serial=f"usage:{event.tenant_id}:{event.meter_id}",
    )  # fmt: skip
    return event


def _write(reservation: Reservation, compute_ms: int | None) -> UsageEvent:
    event: UsageEvent = UsageEvent.objects.create(
        tenant_id=reservation.tenant_id, subscription_id=reservation.counter.subscription_id, reservation=reservation,
        counter=reservation.counter, price_id=reservation.price_id, meter_id=reservation.counter.meter_id,
        job_id=reservation.job_id, plugin=reservation.plugin, unit=reservation.unit, quantity=reservation.quantity,
        metered=reservation.metered, amount=reservation.amount, credited=reservation.credited,
        currency=reservation.currency, occurred_at=clock.now(), compute_ms=compute_ms,
    )  # fmt: skip
    return event


def _book(event: UsageEvent) -> None:
    """The customer owes the exact amount from now on, invoiced or not, and pays with credits what they cover."""
    postings = {
        "accrual": [Posting(Account.ACCRUED, event.amount), Posting(Account.REVENUE, -event.amount)],
        "credit": [Posting(Account.CREDIT, event.credited), Posting(Account.ACCRUED, -event.credited)],
    }
    for kind, sides in postings.items():
        ledger.post(
            event.tenant_id, source=("usage_event", event.id), kind=kind, currency=event.currency, postings=sides,
            occurred_at=event.occurred_at,
        )  # fmt: skip
