"""Payment intents, charges, payment methods, setup intents and refunds."""

from __future__ import annotations

from tests.fakes.stripe import paying
from tests.fakes.stripe.calls import Call, matching, page, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.resources.customers import live
from tests.fakes.stripe.state import Json, State, update

INTENT_FIELDS = ("description", "metadata", "receipt_email", "setup_future_usage", "statement_descriptor")

serves_reads("payment_intent", "/v1/payment_intents", "customer")
serves_reads("charge", "/v1/charges", "customer", "payment_intent")
serves_reads("payment_method", "/v1/payment_methods", "customer", "type")
serves_reads("setup_intent", "/v1/setup_intents", "customer", "payment_method")
serves_reads("refund", "/v1/refunds", "charge", "payment_intent")


@serves("POST", "/v1/payment_intents")
def create_intent(state: State, call: Call) -> Json:
    params = call.params
    customer = live(state, params["customer"], "customer")["id"] if "customer" in params else None
    intent = paying.new_intent(state, params["amount"], params["currency"], customer)
    update(intent, params, *INTENT_FIELDS)
    if "payment_method" in params:
        intent["payment_method"] = paying.method_named(state, params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    return _confirmed(state, intent, params) if params.get("confirm") else intent


@serves("POST", "/v1/payment_intents/{}")
def change_intent(state: State, call: Call) -> Json:
    intent = state.get("payment_intent", call.id)
    update(intent, call.params, *INTENT_FIELDS, "amount", "customer")
    return intent


@serves("POST", "/v1/payment_intents/{}/confirm")
def confirm_intent(state: State, call: Call) -> Json:
    return _confirmed(state, state.get("payment_intent", call.id), call.params)


@serves("POST", "/v1/payment_intents/{}/cancel")
def cancel_intent(state: State, call: Call) -> Json:
    intent = state.get("payment_intent", call.id)
    if intent["status"] in ("succeeded", "canceled"):
        raise refuse(f"the payment intent is {intent['status']}", code="payment_intent_unexpected_state")
    intent |= {"status": "canceled", "canceled_at": state.now}
    intent["cancellation_reason"] = call.params.get("cancellation_reason")
    state.emit("payment_intent.canceled", intent)
    return intent


@serves("POST", "/v1/payment_methods")
def create_method(state: State, call: Call) -> Json:
    if call.params.get("type") != "card":
        raise refuse("this fake has cards only", param="type")
    method = paying.new_card(state)
    update(method, call.params, "metadata")
    return method


@serves("POST", "/v1/payment_methods/{}/attach")
def attach(state: State, call: Call) -> Json:
    customer = live(state, call.params["customer"], "customer")
    return paying.attach(state, paying.method_named(state, call.id, "id"), customer["id"])


@serves("POST", "/v1/payment_methods/{}/detach")
def detach(state: State, call: Call) -> Json:
    method = state.get("payment_method", call.id)
    customer = state.find(method["customer"])
    if customer is None:
        raise refuse("the payment method is not attached to a customer", param="payment_method")
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
    method["customer"] = None
    state.emit("payment_method.detached", method)
    return method


@serves("GET", "/v1/customers/{}/payment_methods")
def customers_methods(state: State, call: Call) -> Json:
    customer = live(state, call.id)
    rows = [row for row in state.all("payment_method") if row["customer"] == customer["id"]]
    return page(matching(rows, call.params, "type"), call)


@serves("POST", "/v1/setup_intents")
def create_setup(state: State, call: Call) -> Json:
    intent = state.new("setup_intent", payment_method_types=["card"])
    intent["client_secret"] = f"{intent['id']}_secret_test"
    update(intent, call.params, "customer", "description", "metadata", "usage")
    state.emit("setup_intent.created", intent)
    return set_up(state, intent, call.params.get("payment_method")) if call.params.get("confirm") else intent


@serves("POST", "/v1/setup_intents/{}/confirm")
def confirm_setup(state: State, call: Call) -> Json:
    return set_up(state, state.get("setup_intent", call.id), call.params.get("payment_method"))


def set_up(state: State, intent: Json, method_id: str | None) -> Json:
    """Saves the method for later payments."""
    if method_id is None:
        raise refuse("a payment method is needed", code="parameter_missing", param="payment_method")
    method = paying.method_named(state, method_id)
    if intent["customer"]:
        paying.attach(state, method, intent["customer"])
    intent |= {"status": "succeeded", "payment_method": method["id"]}
    state.emit("setup_intent.succeeded", intent)
    return intent


@serves("POST", "/v1/refunds")
def refund(state: State, call: Call) -> Json:
    return refunded(state, call.params)


@serves("POST", "/v1/refunds/{}")
def change_refund(state: State, call: Call) -> Json:
    found = state.get("refund", call.id)
    update(found, call.params, "metadata")
    return found


def refunded(state: State, params: Json) -> Json:
    """Gives back a charge or a part. Raises if more than what is left is asked for."""
    charge = _charge_of(state, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not left:
        raise refuse("Charge has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise refuse(f"Refund amount ({amount}) is greater than what is left ({left})", param="amount")
    made = state.new("refund", amount=amount, currency=charge["currency"], charge=charge["id"], status="succeeded")
    made["payment_intent"] = charge["payment_intent"]
    update(made, params, "metadata", "reason")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    state.emit("refund.created", made)
    state.emit("charge.refunded", charge)
    return made


def _charge_of(state: State, params: Json) -> Json:
    if "payment_intent" in params:
        intent = state.get("payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise refuse("the payment intent has no successful charge to refund", param="payment_intent")
        return state.get("charge", intent["latest_charge"], "payment_intent")
    if "charge" not in params:
        raise refuse("charge or payment_intent is needed", code="parameter_missing", param="payment_intent")
    return state.get("charge", params["charge"], "charge")


def _confirmed(state: State, intent: Json, params: Json) -> Json:
    name = params.get("payment_method") or intent["payment_method"]
    method = paying.method_named(state, name) if name else paying.default_method(state, intent["customer"])
    return paying.confirm(state, intent, method)
