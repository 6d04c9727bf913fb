"""Thin events: a notice that names an object, to be fetched. Their data is only in the fetched event."""

from __future__ import annotations

from tests.fakes.stripe.periods import iso
from tests.fakes.stripe.state import Json, State

NOTICE = ("id", "object", "type", "created", "livemode", "context", "reason", "related_object")
PATHS = {
    "billing.meter": "/v1/billing/meters",
    "billing_portal.configuration": "/v1/billing_portal/configurations",
    "checkout.session": "/v1/checkout/sessions",
}


def record(state: State, type: str, data: Json | None, related: Json | None, livemode: bool) -> Json:
    """Keeps a thin event."""
    event = state.new("v2.core.event", type=type, created=iso(state.now), livemode=livemode, data=data)
    event |= {"context": None, "reason": None, "changes": None, "snapshot_event": None}
    if related is not None:
        event["related_object"] = related
    state.thin_events.append(event)
    return event


def from_snapshot(event: Json) -> Json:
    """The thin form of a v1 event."""
    about = event["data"]["object"]
    path = PATHS.get(about["object"], f"/v1/{about['object']}s")
    related = {"id": about.get("id"), "type": about["object"], "url": f"{path}/{about.get('id')}"}
    return {
        "id": event["id"],
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "created": iso(event["created"]),
        "livemode": event["livemode"],
        "context": None,
        "reason": None,
        "changes": None,
        "related_object": related,
        "snapshot_event": event["id"],
    }


def notice(event: Json) -> Json:
    """What is delivered of an event, v1 or v2: no data."""
    thin = from_snapshot(event) if event["object"] == "event" else event
    return {name: thin[name] for name in NOTICE if name in thin}
