"""Subscriptions and their items."""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe import invoicing, paying, subscribing
from tests.fakes.stripe.calls import Call, matching, page, serves
from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.resources.customers import live
from tests.fakes.stripe.resources.discounts import redeemed
from tests.fakes.stripe.state import Json, State, update

DAY = 24 * 3600
FIELDS = (
    "cancel_at",
    "cancel_at_period_end",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "description",
    "metadata",
    "off_session",
    "pause_collection",
    "payment_settings",
    "trial_settings",
)


@serves("POST", "/v1/subscriptions")
def create(state: State, call: Call) -> Json:
    """Starts a subscription and bills it. Nothing of it is kept if it can not start."""
    with state.undone(StripeFailure):
        return start(state, call.params)


@serves("POST", "/v1/subscriptions/{}")
def change(state: State, call: Call) -> Json:
    subscription = running(state, call.id)
    params = call.params
    before = update(subscription, params, *FIELDS)
    _set_rates_and_discounts(state, subscription, params)
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


def running(state: State, id: str) -> Json:
    """The subscription. Raises if it has ended."""
    subscription = state.get("subscription", id)
    if subscription["status"] in subscribing.ENDED:
        raise refuse("A canceled subscription can only update its cancellation_details and metadata.", param="status")
    return subscription


def start(state: State, params: Json) -> Json:
    """A new subscription, its first invoice and the attempt to collect that."""
    customer = live(state, params.get("customer", ""), "customer")
    if not params.get("items"):
        raise refuse("items are needed", code="parameter_missing", param="items")
    subscription = _blank(state, customer, params)
    for item in params["items"]:
        subscribing.add_item(state, subscription, item)
    _check_items(subscription)
    trial = subscription["trial_end"] is not None
    end = subscription["trial_end"] if trial else subscribing.next_end(subscription, state.now)
    subscribing.set_period(subscription, state.now, end)
    if subscription["cancel_at_period_end"]:
        subscription |= {"cancel_at": end, "canceled_at": state.now}
    _set_rates_and_discounts(state, subscription, params)
    invoice = subscribing.bill_start(state, subscription)
    _begin(state, subscription, invoice, params.get("payment_behavior", "allow_incomplete"))
    state.emit("customer.subscription.created", subscription)
    return subscription


def _blank(state: State, customer: Json, params: Json) -> Json:
    trial_end = params.get("trial_end")
    if "trial_period_days" in params:
        trial_end = state.now + params["trial_period_days"] * DAY
    trial_end = trial_end if isinstance(trial_end, int) else None
    made = state.new(
        "subscription",
        customer=customer["id"],
        currency=params.get("currency") or _currency(state, params),
        billing_cycle_anchor=trial_end or params.get("billing_cycle_anchor", state.now),
        billing_mode={"type": "flexible", "flexible": None} | params.get("billing_mode", {}),
        cancel_at_period_end=False,
        start_date=state.now,
        status="trialing" if trial_end else "active",
        trial_start=state.now if trial_end else None,
        trial_end=trial_end,
        default_tax_rates=[],
        discounts=[],
        _tax_rates=[],
        _period=(state.now, state.now),
    )
    made["items"]["url"] = f"/v1/subscription_items?subscription={made['id']}"
    update(made, params, *FIELDS)
    return made


def _currency(state: State, params: Json) -> str:
    first = params["items"][0]
    if "price_data" in first:
        return str(first["price_data"]["currency"])
    return str(state.get("price", first.get("price", ""), "items[price]")["currency"])


def _check_items(subscription: Json) -> None:
    found = {
        (i["price"]["recurring"]["interval"], i["price"]["recurring"]["interval_count"])
        for i in subscribing.items_of(subscription)
    }
    if len(found) != 1:
        raise refuse("all items of a subscription need the same interval here", param="items")


def _begin(state: State, subscription: Json, invoice: Json, behaviour: str) -> None:
    """Finalises and collects the first invoice, unless it is sent: that one waits its hour."""
    if subscription["collection_method"] == "send_invoice":
        return
    method = paying.default_method(state, subscription["customer"], subscription)
    if method is None and invoice["amount_due"] and behaviour != "default_incomplete":
        raise refuse("This customer has no attached payment source or default payment method.", code="resource_missing")
    if invoice["amount_due"]:
        subscription["status"] = "incomplete"
    invoicing.finalize(state, invoice)
    if invoice["amount_due"] and behaviour != "default_incomplete":
        try:
            invoicing.pay(state, invoice, method)
        except StripeFailure:
            if behaviour == "error_if_incomplete":
                raise


def _set_rates_and_discounts(state: State, subscription: Json, params: Json) -> None:
    if "default_tax_rates" in params:
        subscription["_tax_rates"] = params["default_tax_rates"] or []
        rates = [state.get("tax_rate", id, "default_tax_rates") for id in subscription["_tax_rates"]]
        subscription["default_tax_rates"] = rates
    if "discounts" in params:
        owner = {"subscription": subscription["id"], "customer": subscription["customer"]}
        wanted = params["discounts"] or []
        kept = [one["discount"] for one in wanted if "discount" in one]
        subscription["discounts"] = kept + [redeemed(state, one, **owner) for one in wanted if "discount" not in one]


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
    _check_items(subscription)
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


_ITEM = ("price", "price_data", "quantity", "metadata", "tax_rates", "deleted")


def _item_part(params: Json) -> Json:
    return {name: value for name, value in params.items() if name in _ITEM}


def _item_changed(state: State, subscription_id: str, wanted: Json, call: Call) -> Json:
    """The item after a change through its own address."""
    before = {item["id"] for item in subscribing.items_of(state.get("subscription", subscription_id, "subscription"))}
    behaviour = {k: v for k, v in call.params.items() if k in ("proration_behavior", "proration_date")}
    subscription = change(state, Call("POST", call.path, (subscription_id,), {"items": [wanted], **behaviour}))
    id = wanted.get("id") or next(i["id"] for i in subscribing.items_of(subscription) if i["id"] not in before)
    return next((item for item in subscribing.items_of(subscription) if item["id"] == id), {})
