"""Previews: what an invoice would be, tried on the real state and taken back."""

from __future__ import annotations

import copy

from tests.fakes.stripe import invoicing, lines, starting, subscribing
from tests.fakes.stripe.calls import Call, serves
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.resources import invoices, subscriptions
from tests.fakes.stripe.resources.discounts import redeemed
from tests.fakes.stripe.state import Json, State

CHANGES = ("items", "proration_date", "trial_end", "cancel_at_period_end", "default_tax_rates")


@serves("POST", "/v1/invoices/create_preview")
def preview(state: State, call: Call) -> Json:
    """The next invoice of a subscription, with changes tried on it, or that of a customer's pending items."""
    params = call.params
    with state.undone(_near(state, params)):
        if "subscription" in params:
            invoice = _renewal(state, state.get("subscription", params["subscription"], "subscription"), params)
        elif params.get("subscription_details", {}).get("items"):
            wanted = params["subscription_details"] | {"customer": params.get("customer", "")}
            started = starting.start(state, {**wanted, "payment_behavior": "default_incomplete"})
            invoice = state.get("invoice", started["latest_invoice"])
        elif "customer" in params:
            invoice = invoices.create(state, Call("POST", "", (), {"customer": params["customer"]}))
            invoicing.take_pending(state, invoice)
        else:
            raise refuse("customer or subscription is needed", code="parameter_missing", param="customer")
        return _finished(state, invoice, params)


def _near(state: State, params: Json) -> set[str]:
    """The subscription and the customer that are tried on."""
    named = {params[name] for name in ("subscription", "customer") if name in params}
    owners = {(state.find(id) or {}).get("customer") for id in named}
    return {id for id in named | owners if id}


def _renewal(state: State, subscription: Json, params: Json) -> Json:
    wanted = params.get("subscription_details", {})
    change = {name: wanted[name] for name in CHANGES if name in wanted}
    now = wanted.get("proration_behavior") == "always_invoice"
    if change:
        behaviour = {name: wanted[name] for name in ("proration_behavior", "billing_cycle_anchor") if name in wanted}
        behaviour |= {} if not now else {"proration_behavior": "create_prorations"}
        subscriptions.change(state, Call("POST", "", (subscription["id"],), change | behaviour))
    if now:
        invoice = subscribing.open_invoice(state, subscription, "upcoming")
        invoicing.take_pending(state, invoice)
        return invoice
    ended = subscribing.current_period(subscription)
    subscribing.set_period(subscription, ended[1], subscribing.next_end(subscription, ended[1]))
    return subscribing.bill_cycle(state, subscription, ended)


def _finished(state: State, invoice: Json, params: Json) -> Json:
    for wanted in params.get("invoice_items", ()):
        item = {**wanted, "customer": invoice["customer"], "invoice": invoice["id"]}
        invoices.create_item(state, Call("POST", "", (), item))
    if params.get("discounts"):
        invoice["discounts"] = [redeemed(state, one) for one in params["discounts"]]
    lines.add_up(state, invoice)
    invoice |= {"id": "upcoming_" + invoice["id"], "billing_reason": "upcoming", "automatically_finalizes_at": None}
    return copy.deepcopy(invoice)
