"""Where events go (webhook endpoints of v1, event destinations of v2), the events themselves, and the account."""

from __future__ import annotations

import secrets

from tests.fakes.stripe import thin
from tests.fakes.stripe.calls import Call, page, serves, serves_reads
from tests.fakes.stripe.errors import missing, refuse
from tests.fakes.stripe.periods import iso
from tests.fakes.stripe.state import Json, State, update

KEPT_SECONDS = 30 * 24 * 3600
"""How long events can be read."""
ACCOUNT = "acct_fake0000000000"

serves_reads("webhook_endpoint", "/v1/webhook_endpoints")


@serves("POST", "/v1/webhook_endpoints")
def create_endpoint(state: State, call: Call) -> Json:
    """The secret is shown this once."""
    made = state.new("webhook_endpoint", url=call.params["url"], enabled_events=call.params["enabled_events"])
    made["_secret"] = f"whsec_{secrets.token_hex(16)}"
    update(made, call.params, "api_version", "description", "metadata")
    return {**made, "secret": made["_secret"]}


@serves("POST", "/v1/webhook_endpoints/{}")
def change_endpoint(state: State, call: Call) -> Json:
    endpoint = state.get("webhook_endpoint", call.id)
    update(endpoint, call.params, "url", "enabled_events", "description", "metadata")
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    return endpoint


@serves("DELETE", "/v1/webhook_endpoints/{}")
def delete_endpoint(state: State, call: Call) -> Json:
    state.get("webhook_endpoint", call.id)
    del state.objects["webhook_endpoint"][call.id]
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}


@serves("POST", "/v2/core/event_destinations")
def create_destination(state: State, call: Call) -> Json:
    params = call.params
    if params["type"] != "webhook_endpoint" or "webhook_endpoint" not in params:
        raise refuse("this fake delivers to webhook endpoints only", param="type")
    secret, url = f"whsec_{secrets.token_hex(16)}", params["webhook_endpoint"]["url"]
    shown = {name: params.get(name) for name in ("description", "snapshot_api_version", "events_from", "metadata")}
    made = state.new(
        "v2.core.event_destination",
        created=iso(state.now),
        updated=iso(state.now),
        livemode=state.trigger.livemode,
        enabled_events=params["enabled_events"],
        event_payload=params["event_payload"],
        name=params["name"],
        status="enabled",
        status_details=None,
        type="webhook_endpoint",
        amazon_eventbridge=None,
        azure_event_grid=None,
        webhook_endpoint=None,
        _secret=secret,
        _url=url,
        **shown,
    )
    include = params.get("include", [])
    seen = {"url": url if "webhook_endpoint.url" in include else None}
    seen["signing_secret"] = secret if "webhook_endpoint.signing_secret" in include else None
    return {**made, "webhook_endpoint": seen}


@serves("GET", "/v2/core/event_destinations/{}")
def read_destination(state: State, call: Call) -> Json:
    return state.get("v2.core.event_destination", call.id)


@serves("GET", "/v2/core/event_destinations")
def list_destinations(state: State, call: Call) -> Json:
    return {"data": list(state.all("v2.core.event_destination")), "next_page_url": None, "previous_page_url": None}


@serves("DELETE", "/v2/core/event_destinations/{}")
def delete_destination(state: State, call: Call) -> Json:
    state.get("v2.core.event_destination", call.id)
    del state.objects["v2.core.event_destination"][call.id]
    return {"id": call.id, "object": "v2.core.event_destination", "deleted": True}


@serves("GET", "/v1/events/{}")
def read_event(state: State, call: Call) -> Json:
    event = state.get("event", call.id)
    if event["created"] < state.now - KEPT_SECONDS:
        raise missing("event", call.id)
    return event


@serves("GET", "/v1/events")
def list_events(state: State, call: Call) -> Json:
    params = call.params
    rows = [row for row in state.all("event") if row["created"] >= state.now - KEPT_SECONDS]
    if "type" in params:
        rows = [row for row in rows if wanted(row["type"], [params["type"]])]
    if "types" in params:
        rows = [row for row in rows if wanted(row["type"], params["types"])]
    if "delivery_success" in params:
        rows = [row for row in rows if (row["pending_webhooks"] == 0) == params["delivery_success"]]
    return page(rows, call)


@serves("GET", "/v2/core/events/{}")
def read_thin(state: State, call: Call) -> Json:
    found = state.find(call.id)
    if found is None or found["object"] not in ("event", "v2.core.event"):
        raise missing("event", call.id)
    return thin.from_snapshot(found) if found["object"] == "event" else found


@serves("GET", "/v2/core/events")
def list_thin(state: State, call: Call) -> Json:
    rows = list(state.all("v2.core.event"))[::-1]
    if "object_id" in call.params:
        rows = [row for row in rows if (row.get("related_object") or {}).get("id") == call.params["object_id"]]
    return {"data": rows[: int(call.params.get("limit", 20))], "next_page_url": None, "previous_page_url": None}


@serves("GET", "/v1/account")
def account(state: State, call: Call) -> Json:
    made = state.unstored("account", id=ACCOUNT, country="US", default_currency="usd", type="standard")
    return made | {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True, "email": None}


def wanted(type: str, patterns: list[str]) -> bool:
    """Whether an event of the type is asked for; `*` is all, `invoice.*` all of invoices."""
    return any(
        pattern in ("*", type) or (pattern.endswith(".*") and type.startswith(pattern[:-1])) for pattern in patterns
    )
