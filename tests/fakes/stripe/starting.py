"""How a subscription starts: its items, first period, first invoice, and the attempt to collect that."""

from __future__ import annotations

from tests.fakes.stripe import invoicing, paying, subscribing
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
"""What a create and an update set as it is."""


def start(state: State, params: Json) -> Json:
    """A new subscription, its first invoice and the attempt to collect that."""
    customer = live(state, params.get("customer", ""), "customer")
    if not params.get("items"):
        raise refuse("items are needed", code="parameter_missing", param="items")
    subscription = _blank(state, customer, params)
    check_method(state, params)
    for item in params["items"]:
        subscribing.add_item(state, subscription, item)
    check_items(subscription)
    trial = subscription["trial_end"] is not None
    end = subscription["trial_end"] if trial else subscribing.next_end(subscription, state.now)
    subscribing.set_period(subscription, state.now, end)
    if subscription["cancel_at_period_end"]:
        subscription |= {"cancel_at": end, "canceled_at": state.now}
    set_rates_and_discounts(state, subscription, params)
    invoice = subscribing.bill_start(state, subscription)
    if invoice["amount_due"] and subscription["collection_method"] != "send_invoice":
        subscription["status"] = "incomplete"
    state.emit("customer.subscription.created", subscription)
    _begin(state, subscription, invoice, params.get("payment_behavior", "allow_incomplete"))
    return subscription


def _blank(state: State, customer: Json, params: Json) -> Json:
    trial_end = params.get("trial_end")
    if "trial_period_days" in params:
        trial_end = state.now + params["trial_period_days"] * DAY
    trial_end = trial_end if isinstance(trial_end, int) else None
    currency = params.get("currency") or _currency(state, params)
    if customer["currency"] not in (None, currency) and _running(state, customer):
        raise refuse("You cannot combine currencies on a single customer.", param="currency")
    customer["currency"] = currency
    made = state.new(
        "subscription",
        customer=customer["id"],
        currency=currency,
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


def _running(state: State, customer: Json) -> bool:
    """Whether the customer has a subscription that has not ended."""
    rows = [row for row in state.all("subscription") if row["customer"] == customer["id"]]
    return any(row["status"] not in subscribing.ENDED for row in rows)


def _currency(state: State, params: Json) -> str:
    first = params["items"][0]
    if "price_data" in first:
        return str(first["price_data"]["currency"])
    return str(state.get("price", first.get("price", ""), "items[price]")["currency"])


def check_items(subscription: Json) -> None:
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
    invoicing.finalize(state, invoice)
    if invoice["amount_due"] and behaviour != "default_incomplete":
        try:
            invoicing.pay(state, invoice, method)
        except StripeFailure:
            if behaviour == "error_if_incomplete":
                raise


def check_method(state: State, params: Json) -> None:
    """Raises unless the payment method that is to pay is there."""
    if params.get("default_payment_method"):
        state.get("payment_method", params["default_payment_method"], "default_payment_method")


def set_rates_and_discounts(state: State, subscription: Json, params: Json) -> None:
    if "default_tax_rates" in params:
        subscription["_tax_rates"] = params["default_tax_rates"] or []
        rates = [state.get("tax_rate", id, "default_tax_rates") for id in subscription["_tax_rates"]]
        subscription["default_tax_rates"] = rates
    if "discounts" in params:
        owner = {"subscription": subscription["id"], "customer": subscription["customer"]}
        wanted = params["discounts"] or []
        kept = [one["discount"] for one in wanted if "discount" in one]
        subscription["discounts"] = kept + [redeemed(state, one, **owner) for one in wanted if "discount" not in one]
