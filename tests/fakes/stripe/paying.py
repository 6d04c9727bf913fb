"""Taking money: payment methods, payment intents and their charges. Not one of these moves any."""

from __future__ import annotations

from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.state import Json, State

DECLINED = "chargeDeclined"
"""In the name of a test card that can be saved but not charged."""


def new_card(state: State, *, declines: bool = False) -> Json:
    """A saved test card."""
    card = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}
    if declines:
        card["last4"] = "0341"
    return state.new("payment_method", type="card", card=card, _declines=declines)


def method_named(state: State, id: str, param: str = "payment_method") -> Json:
    """The payment method; `pm_card_visa` and its like make a new one."""
    if id.startswith("pm_card_"):
        return new_card(state, declines=DECLINED in id)
    return state.get("payment_method", id, param)


def attach(state: State, method: Json, customer: str) -> Json:
    """Saves the method for the customer. Raises if it is another's."""
    if method["customer"] not in (None, customer):
        raise refuse("The payment method is attached to another customer", param="payment_method")
    if method["customer"] is None:
        method["customer"] = customer
        state.emit("payment_method.attached", method)
    return method


def default_method(state: State, customer_id: str | None, *owners: Json) -> Json | None:
    """The method that would pay: of the first owner that has one, else the customer's default."""
    chosen = next((owner["default_payment_method"] for owner in owners if owner.get("default_payment_method")), None)
    if chosen is None and customer_id:
        chosen = state.get("customer", customer_id, "customer")["invoice_settings"]["default_payment_method"]
    return state.find(chosen) if chosen else None


def new_intent(state: State, amount: int, currency: str, customer: str | None, **fields: object) -> Json:
    """A payment intent that nobody has paid."""
    intent = state.new("payment_intent", amount=amount, currency=currency, customer=customer, **fields)
    intent |= {"payment_method_types": ["card"], "client_secret": f"{intent['id']}_secret_test"}
    state.emit("payment_intent.created", intent)
    return intent


def confirm(state: State, intent: Json, method: Json | None) -> Json:
    """Charges the method. Raises 402 when the card declines, with the failed charge kept."""
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise refuse(f"the payment intent is {intent['status']}", code="payment_intent_unexpected_state")
    if method is None:
        raise refuse("the payment intent has no payment method", code="parameter_missing", param="payment_method")
    charge = _charge(state, intent, method)
    intent |= {"latest_charge": charge["id"]}
    if method.get("_declines"):
        _decline(state, intent, charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "payment_method": method["id"]}
    state.emit("charge.succeeded", charge)
    state.emit("payment_intent.succeeded", intent)
    return intent


def _charge(state: State, intent: Json, method: Json) -> Json:
    return state.new(
        "charge",
        amount=intent["amount"],
        amount_captured=intent["amount"],
        captured=True,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"type": "card", "card": method["card"]},
    )


def _decline(state: State, intent: Json, charge: Json) -> None:
    said = "Your card was declined."
    charge |= {"paid": False, "captured": False, "amount_captured": 0, "status": "failed"}
    charge |= {"failure_code": "card_declined", "failure_message": said}
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {"type": "card_error", "code": "card_declined", "message": said}
    state.emit("charge.failed", charge)
    state.emit("payment_intent.payment_failed", intent)
    raise StripeFailure(402, said, code="card_declined")
