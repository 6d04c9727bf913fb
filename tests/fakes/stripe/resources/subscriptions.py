"""Subscriptions: how they start is in `starting.py`, how they renew in `cycle.py`."""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe import invoicing, starting, subscribing
from tests.fakes.stripe.calls import Call, matching, page, serves
from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.state import Json, State, update


@serves("POST", "/v1/subscriptions")
def create(state: State, call: Call) -> Json:
    """Starts a subscription and bills it. Nothing of it is kept if it can not start."""
    with state.undone({call.params.get("customer", "")}, StripeFailure):
        return starting.start(state, call.params)


@serves("POST", "/v1/subscriptions/{}")
def change(state: State, call: Call) -> Json:
    subscription = running(state, call.id)
    params = call.params
    starting.check_method(state, params)
    before = update(subscription, params, *starting.FIELDS)
    starting.set_rates_and_discounts(state, subscription, params)
    changed = _change_items(state, subscription, params)
    if "cancel_at_period_end" in params:
        on = params["cancel_at_period_end"]
        subscription["cancel_at"] = subscribing.current_period(subscription)[1] if on else None
        subscription["canceled_at"] = state.now if on else None
    if "trial_end" in params:
        _set_trial_end(state, subscription, params["trial_end"])
    if params.get("billing_cycle_anchor") == "now" or changed == "interval":
        _restart(state, subscription)
    elif changed and params.get("proration_behavior") == "always_invoice":
        _bill_now(state, subscription)
    state.emit("customer.subscription.updated", subscription, previous=before)
    return subscription


@serves("DELETE", "/v1/subscriptions/{}")
def cancel(state: State, call: Call) -> Json:
    """Ends it at once; `invoice_now` bills the use so far, `prorate` gives back the rest of the period."""
    subscription = running(state, call.id)
    subscription["cancellation_details"] = {"comment": None, "feedback": None, "reason": "cancellation_requested"}
    subscription["cancellation_details"] |= call.params.get("cancellation_details", {})
    if call.params.get("prorate"):
        for item in subscribing.items_of(subscription):
            subscribing.prorate(state, subscription, item, None, state.now)
    subscribing.end(state, subscription, state.now)
    if call.params.get("invoice_now"):
        begun = subscribing.current_period(subscription)[0]
        invoicing.finalize(state, subscribing.bill_cycle(state, subscription, (begun, state.now), final=True))
    return subscription


@serves("POST", "/v1/subscriptions/{}/pause")
def pause(state: State, call: Call) -> Json:
    subscription = running(state, call.id)
    subscription["status"] = "paused"
    state.emit("customer.subscription.paused", subscription)
    return subscription


@serves("POST", "/v1/subscriptions/{}/resume")
def resume(state: State, call: Call) -> Json:
    """Active again; a new period begins unless the anchor is to stay."""
    subscription = running(state, call.id)
    if subscription["status"] != "paused":
        raise refuse("the subscription is not paused", param="subscription")
    subscription["status"] = "active"
    if call.params.get("billing_cycle_anchor", {"type": "now"})["type"] == "now":
        _restart(state, subscription)
    state.emit("customer.subscription.resumed", subscription)
    return subscription


@serves("GET", "/v1/subscriptions/{}")
def read(state: State, call: Call) -> Json:
    return state.get("subscription", call.id)


@serves("GET", "/v1/subscriptions")
def read_all(state: State, call: Call) -> Json:
    """Without `status`, those that have not been cancelled."""
    wanted = call.params.get("status")
    rows = matching(state.all("subscription"), call.params, "customer", "collection_method")
    if wanted not in (None, "all"):
        statuses = subscribing.ENDED if wanted == "ended" else (wanted,)
        rows = [row for row in rows if row["status"] in statuses]
    elif wanted is None:
        rows = [row for row in rows if row["status"] != "canceled"]
    if "price" in call.params:
        rows = [r for r in rows if any(i["price"]["id"] == call.params["price"] for i in subscribing.items_of(r))]
    return page(rows, call)


def running(state: State, id: str) -> Json:
    """The subscription. Raises if it has ended."""
    subscription = state.get("subscription", id)
    if subscription["status"] in subscribing.ENDED:
        raise refuse("A canceled subscription can only update its cancellation_details and metadata.", param="status")
    return subscription


def _change_items(state: State, subscription: Json, params: Json) -> str | None:
    """Changes items with proration; tells what kind of change it was, if any."""
    old_interval = subscribing.items_of(subscription)[0]["price"]["recurring"]["interval"]
    at = params.get("proration_date", state.now)
    prorated = params.get("proration_behavior", "create_prorations") != "none" and subscription["status"] != "trialing"
    for wanted in params.get("items", ()):
        before, after = _changed_item(state, subscription, wanted)
        same = before and after and before["price"] is after["price"] and before["quantity"] == after["quantity"]
        if prorated and not same:
            subscribing.prorate(state, subscription, before, after, at)
    if not subscribing.items_of(subscription):
        raise refuse("a subscription needs an item", param="items")
    starting.check_items(subscription)
    if subscribing.items_of(subscription)[0]["price"]["recurring"]["interval"] != old_interval:
        return "interval"
    return "items" if params.get("items") else None


def _changed_item(state: State, subscription: Json, wanted: Json) -> tuple[Json | None, Json | None]:
    """The item as it was and as it is."""
    if "id" not in wanted:
        return None, subscribing.add_item(state, subscription, wanted)
    item = state.get("subscription_item", wanted["id"], "items[id]")
    before = dict(item)
    if wanted.get("deleted"):
        subscribing.items_of(subscription).remove(item)
        del state.objects["subscription_item"][item["id"]]
        return before, None
    if "price" in wanted or "price_data" in wanted:
        item["price"] = subscribing.price_named(state, wanted)
        item["quantity"] = None if subscribing.is_metered(item) else item["quantity"] or 1
    update(item, wanted, "quantity", "metadata")
    item["_tax_rates"] = wanted.get("tax_rates", item["_tax_rates"])
    return before, item


def _set_trial_end(state: State, subscription: Json, trial_end: Any) -> None:
    if trial_end == "now":
        subscription |= {"trial_end": state.now, "status": "active"}
        _restart(state, subscription)
        return
    begun = subscribing.current_period(subscription)[0]
    subscription |= {"trial_end": trial_end, "billing_cycle_anchor": trial_end, "status": "trialing"}
    subscription["trial_start"] = subscription["trial_start"] or state.now
    subscribing.set_period(subscription, begun, trial_end)


def _restart(state: State, subscription: Json) -> None:
    """A new period begins now and is billed at once, with the use of the one that is cut short."""
    begun = subscribing.current_period(subscription)[0]
    subscription["billing_cycle_anchor"] = state.now
    subscribing.set_period(subscription, state.now, subscribing.next_end(subscription, state.now))
    invoice = subscribing.bill_cycle(state, subscription, (begun, state.now))
    invoice["billing_reason"] = "subscription_update"
    _close(state, invoice)


def _bill_now(state: State, subscription: Json) -> None:
    invoice = subscribing.open_invoice(state, subscription, "subscription_update")
    invoicing.take_pending(state, invoice)
    _close(state, invoicing.announce(state, invoice))


def _close(state: State, invoice: Json) -> None:
    if invoice["collection_method"] == "charge_automatically":
        invoicing.finalize(state, invoice)
        if invoice["status"] == "open":
            invoicing.collect(state, invoice)
