"""Meter events: sent once each, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stripe import StripeClient

from billing.providers.base import Rejected, TryAgain, UsageOutcome
from billing.providers.orders import UsageOrder
from billing.providers.stripe.client import call, digest, options, was_replayed

MOST_KEYS = 20
"""A report that ended in so many failures of the provider waits for a day, until keys are forgotten."""


def report(client: StripeClient, order: UsageOrder) -> UsageOutcome:
    """Send one event. That its identifier is known already means that it has arrived."""
    params: Any = {
        "event_name": order.event_name,
        "identifier": order.identifier,
        "timestamp": int(order.occurred_at.timestamp()),
        "payload": {"stripe_customer_id": order.customer, "value": str(order.value)},
    }
    key = f"meter_event:{order.identifier}:{digest(params['payload'])}"
    try:
        _send(client, params, key)
    except Rejected as refusal:
        if "already exists with identifier" in str(refusal):
            return UsageOutcome.DUPLICATE
        raise
    return UsageOutcome.ACCEPTED


def _send(client: StripeClient, params: Any, key: str) -> None:
    """A key that has a failure stored is left for the next: the identifier keeps the event from counting twice."""
    for turn in range(1, MOST_KEYS + 1):
        try:
            call(client.v1.billing.meter_events.create, params, options(key if turn == 1 else f"{key}:{turn}"))
        except TryAgain as failure:
            if turn == MOST_KEYS or not was_replayed(failure.__cause__):
                raise
        else:
            return


def summary(client: StripeClient, customer: str, meter: str, start: datetime, end: datetime) -> Decimal:
    """Counted units in [start, end), whole minutes."""
    params: Any = _window(customer, start, end)
    rows = call(client.v1.billing.meters.event_summaries.list, meter, params)
    return sum((units(row.aggregated_value) for row in rows.data), Decimal(0))


def by_day(
    client: StripeClient, customer: str, meter: str, start: datetime, end: datetime
) -> Mapping[datetime, Decimal]:
    """Counted units of each UTC day in [start, end)."""
    params: Any = _window(customer, start, end) | {"value_grouping_window": "day", "limit": 100}
    rows = call(client.v1.billing.meters.event_summaries.list, meter, params).auto_paging_iter()
    return {datetime.fromtimestamp(row.start_time, UTC): units(row.aggregated_value) for row in rows}


def units(value: Any) -> Decimal:
    """A summary's number, which Stripe writes as a float. Raises `Rejected` for one that is no whole number."""
    exact = Decimal(str(value))
    if exact != exact.to_integral_value():
        raise Rejected(f"a meter that counts whole units says {exact}")
    return exact.to_integral_value()


def _window(customer: str, start: datetime, end: datetime) -> dict[str, Any]:
    return {"customer": customer, "start_time": int(start.timestamp()), "end_time": int(end.timestamp())}
