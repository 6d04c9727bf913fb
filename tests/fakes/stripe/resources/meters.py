"""Meters, meter events, adjustments and summaries."""

from __future__ import annotations

import re
import secrets
from decimal import Decimal, InvalidOperation

from tests.fakes.stripe import usage
from tests.fakes.stripe.calls import Call, page, serves, serves_reads
from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.state import Json, State
from tests.fakes.stripe.usage import MeterEvent

DAY = 24 * 3600
PAST_SECONDS, FUTURE_SECONDS = 35 * DAY, 5 * 60
MAX_DIGITS, MAX_IDENTIFIER = 15, 100
WINDOWS = {"hour": 3600, "day": DAY}
MINUTE = 60

serves_reads("billing.meter", "/v1/billing/meters", "status")


@serves("POST", "/v1/billing/meters")
def create(state: State, call: Call) -> Json:
    params = call.params
    if any(
        row["event_name"] == params["event_name"] and row["status"] == "active" for row in state.all("billing.meter")
    ):
        raise refuse("an active meter already has this event_name", code="resource_already_exists", param="event_name")
    mapping = params.get("customer_mapping", {"type": "by_id", "event_payload_key": "stripe_customer_id"})
    meter = state.new(
        "billing.meter",
        status="active",
        updated=state.now,
        display_name=params["display_name"],
        event_name=params["event_name"],
        default_aggregation=params["default_aggregation"],
        event_time_window=params.get("event_time_window"),
        customer_mapping=mapping,
        value_settings=params.get("value_settings", {"event_payload_key": "value"}),
    )
    state.emit("billing.meter.created", meter)
    return meter


@serves("POST", "/v1/billing/meters/{}")
def rename(state: State, call: Call) -> Json:
    """Only the name for people can change; the contract lets nothing else through."""
    meter = state.get("billing.meter", call.id)
    meter |= {"display_name": call.params.get("display_name", meter["display_name"]), "updated": state.now}
    state.emit("billing.meter.updated", meter)
    return meter


@serves("POST", "/v1/billing/meters/{}/deactivate")
def deactivate(state: State, call: Call) -> Json:
    meter = state.get("billing.meter", call.id)
    meter |= {"status": "inactive", "status_transitions": {"deactivated_at": state.now}, "updated": state.now}
    state.emit("billing.meter.deactivated", meter)
    return meter


@serves("POST", "/v1/billing/meters/{}/reactivate")
def reactivate(state: State, call: Call) -> Json:
    meter = state.get("billing.meter", call.id)
    meter |= {"status": "active", "status_transitions": {"deactivated_at": None}, "updated": state.now}
    state.emit("billing.meter.reactivated", meter)
    return meter


@serves("POST", "/v1/billing/meter_events")
def record(state: State, call: Call) -> Json:
    """Accepts an event. Whether its customer and meter exist is found out when it is counted."""
    params = call.params
    identifier = params.get("identifier") or secrets.token_hex(16)
    timestamp = params.get("timestamp", state.now)
    _check_identifier(state, identifier)
    _check_time(state, timestamp)
    _check_value(state, params)
    event = MeterEvent(
        params["event_name"], identifier, params["payload"], timestamp, state.now, state.trigger.livemode
    )
    state.uncounted.append(event)
    state.identifiers[state.trigger.livemode, identifier] = event
    shown = {"event_name": event.event_name, "identifier": identifier, "payload": event.payload, "timestamp": timestamp}
    return state.unstored("billing.meter_event", **shown)


@serves("POST", "/v1/billing/meter_event_adjustments")
def adjust(state: State, call: Call) -> Json:
    """Cancels an event within a day of its receipt."""
    cancel = call.params.get("cancel")
    if not cancel or "identifier" not in cancel:
        raise refuse("cancel[identifier] is needed", code="parameter_missing", param="cancel[identifier]")
    event = state.identifiers.get((state.trigger.livemode, cancel["identifier"]))
    if event is None or event.event_name != call.params["event_name"]:
        raise refuse("no such meter event", code="resource_missing", param="cancel[identifier]")
    if state.now - event.received > DAY:
        raise refuse("the event was received more than 24 hours ago", param="cancel[identifier]")
    event.cancelled = True
    usage.take_out(state, event)
    shown = {"cancel": cancel, "event_name": event.event_name, "type": call.params["type"], "status": "pending"}
    return state.unstored("billing.meter_event_adjustment", **shown)


@serves("GET", "/v1/billing/meters/{}/event_summaries")
def summaries(state: State, call: Call) -> Json:
    """Totals of counted use, one for the range or one for each window with use, newest first."""
    meter = state.get("billing.meter", call.id)
    params = call.params
    start, end, window = params["start_time"], params["end_time"], params.get("value_grouping_window")
    step = WINDOWS[window] if window else MINUTE
    if start % step or end % step or start >= end:
        raise refuse(f"start_time and end_time must be whole {window or 'minute'}s, in order", param="start_time")
    bounds = [(at, at + step) for at in range(start, end, step)] if window else [(start, end)]
    if window:
        used = {event.timestamp // step * step for event in usage.counted(state, meter, params["customer"])}
        bounds = [bound for bound in bounds if bound[0] in used]
    return page([_summary(state, meter, params["customer"], *bound) for bound in bounds], call)


def _summary(state: State, meter: Json, customer: str, start: int, end: int) -> Json:
    value = float(usage.total(state, meter, customer, start, end))
    id = f"mtrusg_{meter['id']}_{customer}_{start}"
    shown = {"id": id, "meter": meter["id"], "start_time": start, "end_time": end, "aggregated_value": value}
    return state.unstored("billing.meter_event_summary", **shown)


def _check_identifier(state: State, identifier: str) -> None:
    if len(identifier) > MAX_IDENTIFIER:
        raise refuse(f"identifier is longer than {MAX_IDENTIFIER} characters", param="identifier")
    earlier = state.identifiers.get((state.trigger.livemode, identifier))
    if earlier and state.now - earlier.received < DAY:
        raise StripeFailure(
            400,
            f"An event already exists with identifier {identifier}.",
            param="identifier",
            headers={"stripe-should-retry": "false"},
        )


def _check_time(state: State, timestamp: int) -> None:
    if timestamp < state.now - PAST_SECONDS:
        raise refuse("timestamp is over 35 days in the past", code="timestamp_too_far_in_past", param="timestamp")
    if timestamp > state.now + FUTURE_SECONDS:
        raise refuse("timestamp is over 5 minutes in the future", code="timestamp_in_future", param="timestamp")


def _check_value(state: State, params: Json) -> None:
    meter = usage.meter_named(state, params["event_name"])
    name = meter["value_settings"]["event_payload_key"] if meter else "value"
    needed = meter is not None and meter["default_aggregation"]["formula"] != "count"
    if name not in params["payload"] and not needed:
        return
    text = params["payload"].get(name, "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise refuse(f"payload[{name}] must be a number", code="meter_event_invalid_value", param=f"payload[{name}]")
    if len(re.sub(r"\D", "", text).lstrip("0")) > MAX_DIGITS:
        raise refuse(
            f"payload[{name}] has more than {MAX_DIGITS} digits",
            code="meter_event_value_too_many_digits",
            param=f"payload[{name}]",
        )
