"""Checkout sessions: made by the API, paid on a page by a person (or by a test)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fakes.stripe import cycle, lines, paying, rating, starting
from tests.fakes.stripe.calls import Call, matching, page, serves
from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.resources import payments
from tests.fakes.stripe.resources.catalogue import new_price
from tests.fakes.stripe.resources.customers import create as create_customer
from tests.fakes.stripe.resources.customers import live
from tests.fakes.stripe.resources.discounts import redeemed
from tests.fakes.stripe.state import Json, State, update

MIN_SECONDS, MAX_SECONDS = 30 * 60, 24 * 3600
FIELDS = ("allow_promotion_codes", "cancel_url", "client_reference_id", "customer_email", "locale", "metadata", "mode")
MORE_FIELDS = (
    "billing_address_collection",
    "currency",
    "customer_creation",
    "payment_method_collection",
    "submit_type",
    "success_url",
)
EXCLUSIVE = (("customer", "customer_email"), ("allow_promotion_codes", "discounts"))


@serves("POST", "/v1/checkout/sessions")
def create(state: State, call: Call) -> Json:
    params = call.params
    _check(state, params)
    expires = params.get("expires_at", state.now + MAX_SECONDS)
    if not MIN_SECONDS <= expires - state.now <= MAX_SECONDS:
        raise refuse("expires_at must be 30 minutes to 24 hours from now", param="expires_at")
    session = state.new("checkout.session", expires_at=expires, status="open", payment_method_types=["card"])
    update(session, params, *FIELDS, *MORE_FIELDS)
    session |= {"customer": params.get("customer"), "ui_mode": params.get("ui_mode", "hosted_page"), "_params": params}
    named = ("coupon", "promotion_code")
    session["discounts"] = [{name: one.get(name) for name in named} for one in params.get("discounts", ())]
    rows = [_item(state, one) for one in params.get("line_items", ())]
    _check_items(session, rows)
    session["_line_items"] = {"object": "list", "data": rows, "has_more": False, "url": f"{call.path}/{session['id']}"}
    if rows:
        total = sum(row["amount_total"] for row in rows)
        session |= {"currency": rows[0]["currency"], "amount_subtotal": total, "amount_total": total}
        session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
    hosted = session["ui_mode"] == "hosted_page"
    session["url"] = f"{state.url}/pay/{session['id']}" if hosted else None
    session["client_secret"] = None if hosted else f"{session['id']}_secret_test"
    return session


@serves("POST", "/v1/checkout/sessions/{}")
def change(state: State, call: Call) -> Json:
    session = state.get("checkout.session", call.id)
    update(session, call.params, "metadata")
    return session


@serves("POST", "/v1/checkout/sessions/{}/expire")
def expire(state: State, call: Call) -> Json:
    session = still_open(state.get("checkout.session", call.id))
    cycle.expire(state, session)
    return session


@serves("GET", "/v1/checkout/sessions/{}")
def read(state: State, call: Call) -> Json:
    return state.get("checkout.session", call.id)


@serves("GET", "/v1/checkout/sessions")
def read_all(state: State, call: Call) -> Json:
    names = ("customer", "payment_intent", "status", "subscription")
    return page(matching(state.all("checkout.session"), call.params, *names), call)


@serves("GET", "/v1/checkout/sessions/{}/line_items")
def read_items(state: State, call: Call) -> Json:
    return page(state.get("checkout.session", call.id)["_line_items"]["data"], call, newest_first=False)


def still_open(session: Json) -> Json:
    """The session. Raises unless it can still be paid or expired."""
    if session["status"] != "open":
        raise refuse(f"the session is {session['status']}, not open")
    return session


def complete(state: State, id: str, card: str = "pm_card_visa") -> Json:
    """The customer pays with a test card. Raises 402 if that declines; the session then stays open."""
    owner = still_open(state.get("checkout.session", id))["customer"] or ""
    with state.undone({id, owner}, StripeFailure):
        session = state.get("checkout.session", id)
        customer = _customer(state, session)
        method = paying.method_named(state, card)
        _COMPLETE[session["mode"]](state, session, customer, method)
        session |= {"status": "complete", "url": None}
        email = customer["email"] if customer else session["customer_email"] or "buyer@example.com"
        person: Json = {
            "address": None,
            "email": email,
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
        session["customer_details"] = person
        state.emit("checkout.session.completed", session)
        return session


def _subscribe(state: State, session: Json, customer: Json | None, method: Json) -> None:
    if customer is None:
        raise refuse("a subscription needs a customer", param="customer")
    paying.attach(state, method, customer["id"])
    params = session["_params"]
    items = [_subscription_item(row) for row in session["_line_items"]["data"]]
    wanted = {"customer": customer["id"], "items": items, "default_payment_method": method["id"]}
    wanted |= {"discounts": params.get("discounts", []), "payment_behavior": "error_if_incomplete"}
    made = starting.start(state, {**params.get("subscription_data", {}), **wanted})
    invoice = state.get("invoice", made["latest_invoice"])
    session |= {"subscription": made["id"], "invoice": invoice["id"], "amount_total": invoice["total"]}
    session["payment_status"] = "paid" if invoice["total"] else "no_payment_required"


def _pay(state: State, session: Json, customer: Json | None, method: Json) -> None:
    params = session["_params"]
    data = params.get("payment_intent_data", {})
    amount = session["amount_total"] - _discount(state, session)
    session |= {"amount_total": amount, "payment_status": "paid" if amount else "no_payment_required"}
    if not amount:
        return
    intent = paying.new_intent(state, amount, session["currency"], customer["id"] if customer else None)
    update(intent, data, "description", "metadata", "setup_future_usage")
    if customer and data.get("setup_future_usage"):
        paying.attach(state, method, customer["id"])
    paying.confirm(state, intent, method)
    session["payment_intent"] = intent["id"]


def _set_up(state: State, session: Json, customer: Json | None, method: Json) -> None:
    intent = state.new("setup_intent", payment_method_types=["card"], customer=customer["id"] if customer else None)
    update(intent, session["_params"].get("setup_intent_data", {}), "description", "metadata")
    payments.set_up(state, intent, method["id"])
    session |= {"setup_intent": intent["id"], "payment_status": "no_payment_required"}


_COMPLETE = {"subscription": _subscribe, "payment": _pay, "setup": _set_up}


def _check(state: State, params: Json) -> None:
    if "mode" not in params:
        raise refuse("mode is needed", code="parameter_missing", param="mode")
    if params.get("ui_mode", "hosted_page") == "hosted_page" and "success_url" not in params:
        raise refuse("success_url is needed", code="parameter_missing", param="success_url")
    if "customer" in params:
        live(state, params["customer"], "customer")
    for one, other in EXCLUSIVE:
        if one in params and other in params:
            raise refuse(f"{one} and {other} exclude each other", param=other)
    for name, mode in (("subscription_data", "subscription"), ("payment_intent_data", "payment")):
        if name in params and params["mode"] != mode:
            raise refuse(f"{name} is only for mode {mode}", param=name)
    _check_mode(params)


def _check_mode(params: Json) -> None:
    if (params["mode"] == "setup") == bool(params.get("line_items")):
        raise refuse("line_items are needed, except in mode setup", code="parameter_missing", param="line_items")
    if params["mode"] == "setup" and not {"currency", "payment_method_types"} & params.keys():
        raise refuse("mode setup needs a currency", code="parameter_missing", param="currency")


def _item(state: State, wanted: Json) -> Json:
    price = state.get("price", wanted["price"], "line_items[price]") if "price" in wanted else _new_price(state, wanted)
    metered = (price["recurring"] or {}).get("usage_type") == "metered"
    if metered == ("quantity" in wanted):
        raise refuse("a quantity is needed, except for a metered price", param="line_items[quantity]")
    quantity = wanted.get("quantity")
    amount = rating.amount_of(price, Decimal(quantity or 0), price["currency"])
    name = state.get("product", price["product"])["name"]
    shown = {"amount_subtotal": amount, "amount_total": amount, "currency": price["currency"], "description": name}
    return state.unstored("item", price=price, quantity=quantity, _tax_rates=wanted.get("tax_rates", []), **shown)


def _new_price(state: State, wanted: Json) -> Json:
    data = dict(wanted.get("price_data") or {})
    if "product_data" in data:
        data["product"] = state.new("product", updated=state.now, name=data["product_data"]["name"])["id"]
    return new_price(state, data)


def _check_items(session: Json, rows: list[Json]) -> None:
    recurring = [row["price"]["recurring"] is not None for row in rows]
    if session["mode"] == "subscription" and not any(recurring):
        raise refuse("mode subscription needs a recurring price", param="line_items")
    if session["mode"] == "payment" and any(recurring):
        raise refuse("You must use mode=subscription with recurring prices", param="mode")


def _subscription_item(row: Json) -> Json:
    item: dict[str, Any] = {"price": row["price"]["id"], "tax_rates": row["_tax_rates"]}
    return item if row["quantity"] is None else item | {"quantity": row["quantity"]}


def _discount(state: State, session: Json) -> int:
    """What the discounts of a payment take away."""
    rows = [{"amount": session["amount_total"], "discountable": True, "discount_amounts": []}]
    wanted = session["_params"].get("discounts", [])
    total = sum(lines.discount(state, redeemed(state, one, checkout_session=session["id"]), rows) for one in wanted)
    session["total_details"]["amount_discount"] = total
    return total


def _customer(state: State, session: Json) -> Json | None:
    """The session's customer, made now if it needs one."""
    if session["customer"]:
        return live(state, session["customer"], "customer")
    if session["mode"] == "payment" and session["customer_creation"] != "always":
        return None
    email = session["customer_email"] or "buyer@example.com"
    customer = create_customer(state, Call("POST", "/v1/customers", (), {"email": email}))
    session["customer"] = customer["id"]
    return customer
