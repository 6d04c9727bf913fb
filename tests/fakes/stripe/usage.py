"""Meter events: accepted at once, counted later. What can not be counted is reported by a thin event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from tests.fakes.stripe import thin
from tests.fakes.stripe.periods import iso
from tests.fakes.stripe.state import Json, State

AGGREGATION_SECONDS = 60
"""After so long an event is counted even if no test asks for it."""


@dataclass
class MeterEvent:
    """One report of use. `received` and `timestamp` are Unix seconds."""

    event_name: str
    identifier: str
    payload: dict[str, str]
    timestamp: int
    received: int
    livemode: bool
    cancelled: bool = False

    def customer(self, meter: Json) -> str | None:
        return self.payload.get(meter["customer_mapping"]["event_payload_key"])

    def value(self, meter: Json) -> Decimal:
        return Decimal(self.payload.get(meter["value_settings"]["event_payload_key"], "1"))


def aggregate(state: State, *, received_until: int | None = None) -> None:
    """Counts the pending events (those received until then); reports the ones that belong nowhere."""
    failed: list[tuple[str, str, MeterEvent]] = []
    due = [event for event in state.uncounted if received_until is None or event.received <= received_until]
    state.uncounted = state.uncounted[len(due) :]
    for event in due:
        meter = meter_named(state, event.event_name)
        code = _error(state, event, meter)
        if meter is None or code:
            failed.append((meter["id"] if meter else "", code or "", event))
        elif not event.cancelled:
            state.counted.setdefault((event.event_name, event.customer(meter) or ""), []).append(event)
    for meter_id, group in groupby(sorted(failed, key=lambda one: one[:2]), key=lambda one: one[0]):
        _report(state, meter_id, [(code, event) for _, code, event in group])


def meter_named(state: State, event_name: str) -> Json | None:
    """The meter of an event name, an active one before an archived one."""
    named = [row for row in state.objects.get("billing.meter", {}).values() if row["event_name"] == event_name]
    return next(iter(sorted(named, key=lambda row: row["status"] != "active")), None)


def total(state: State, meter: Json, customer: str, start: int, end: int) -> Decimal:
    """The counted use in [start, end) by the meter's formula."""
    events = [event for event in counted(state, meter, customer) if start <= event.timestamp < end]
    match meter["default_aggregation"]["formula"]:
        case "count":
            return Decimal(len(events))
        case "last":
            return sorted(events, key=lambda event: event.timestamp)[-1].value(meter) if events else Decimal(0)
    return sum((event.value(meter) for event in events), Decimal(0))


def counted(state: State, meter: Json, customer: str) -> list[MeterEvent]:
    """The events of a customer that count, in the order received."""
    return state.counted.get((meter["event_name"], customer), [])


def take_out(state: State, event: MeterEvent) -> None:
    """A cancelled event counts no more."""
    meter = meter_named(state, event.event_name)
    rows = counted(state, meter, event.customer(meter) or "") if meter else []
    if event in rows:
        rows.remove(event)


def _error(state: State, event: MeterEvent, meter: Json | None) -> str | None:
    if meter is None:
        return "no_meter"
    if meter["status"] != "active":
        return "archived_meter"
    customer = event.customer(meter)
    if customer is None:
        return "meter_event_no_customer_defined"
    known = state.objects.get("customer", {}).get(customer)
    return "meter_event_customer_not_found" if known is None or known.get("_deleted") else None


def _report(state: State, meter_id: str, failed: list[tuple[str, MeterEvent]]) -> None:
    """One thin event for each meter; events of no meter have a type of their own and no related object."""
    types = []
    for code, group in groupby(failed, key=lambda one: one[0]):
        samples = [{"error_message": code, "request": {"identifier": event.identifier}} for _, event in group]
        types.append({"code": code, "error_count": len(samples), "sample_errors": samples})
    data = {
        "developer_message_summary": f"There are {len(failed)} invalid event(s)",
        "reason": {"error_count": len(failed), "error_types": types},
        "validation_start": iso(min(event.received for _, event in failed)),
        "validation_end": iso(state.now),
    }
    url = f"/v1/billing/meters/{meter_id}"
    related = {"id": meter_id, "type": "billing.meter", "url": url} if meter_id else None
    name = "v1.billing.meter.error_report_triggered" if meter_id else "v1.billing.meter.no_meter_found"
    thin.record(state, name, data, related, failed[0][1].livemode)
