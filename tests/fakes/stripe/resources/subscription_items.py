"""Subscription items by their own address: each change is one of the subscription, with its proration."""

from __future__ import annotations

from tests.fakes.stripe import subscribing
from tests.fakes.stripe.calls import Call, page, serves
from tests.fakes.stripe.resources import subscriptions
from tests.fakes.stripe.state import Json, State

_ITEM = ("price", "price_data", "quantity", "metadata", "tax_rates", "deleted")


@serves("POST", "/v1/subscription_items")
def create_item(state: State, call: Call) -> Json:
    return _item_changed(state, call.params["subscription"], {k: v for k, v in call.params.items() if k in _ITEM}, call)


@serves("POST", "/v1/subscription_items/{}")
def change_item(state: State, call: Call) -> Json:
    item = state.get("subscription_item", call.id)
    return _item_changed(state, item["subscription"], {**_item_part(call.params), "id": call.id}, call)


@serves("DELETE", "/v1/subscription_items/{}")
def delete_item(state: State, call: Call) -> Json:
    item = state.get("subscription_item", call.id)
    _item_changed(state, item["subscription"], {"id": call.id, "deleted": True}, call)
    return {"id": call.id, "object": "subscription_item", "deleted": True}


@serves("GET", "/v1/subscription_items/{}")
def read_item(state: State, call: Call) -> Json:
    return state.get("subscription_item", call.id)


@serves("GET", "/v1/subscription_items")
def read_items(state: State, call: Call) -> Json:
    return page(subscribing.items_of(state.get("subscription", call.params["subscription"], "subscription")), call)


def _item_part(params: Json) -> Json:
    return {name: value for name, value in params.items() if name in _ITEM}


def _item_changed(state: State, subscription_id: str, wanted: Json, call: Call) -> Json:
    """The item after a change through its own address."""
    before = {item["id"] for item in subscribing.items_of(state.get("subscription", subscription_id, "subscription"))}
    behaviour = {k: v for k, v in call.params.items() if k in ("proration_behavior", "proration_date")}
    subscription = subscriptions.change(
        state, Call("POST", call.path, (subscription_id,), {"items": [wanted], **behaviour})
    )
    id = wanted.get("id") or next(i["id"] for i in subscribing.items_of(subscription) if i["id"] not in before)
    return next((item for item in subscribing.items_of(subscription) if item["id"] == id), {})
