"""The customer portal. A default configuration is there, as if someone had saved it in the dashboard."""

from __future__ import annotations

from tests.fakes.stripe import paying
from tests.fakes.stripe.calls import Call, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.resources import subscriptions
from tests.fakes.stripe.resources.customers import live
from tests.fakes.stripe.state import Json, State, update

FIELDS = ("active", "business_profile", "default_return_url", "metadata", "name")

serves_reads("billing_portal.configuration", "/v1/billing_portal/configurations", "active", "is_default")


@serves("POST", "/v1/billing_portal/configurations")
def create_configuration(state: State, call: Call) -> Json:
    made = state.new("billing_portal.configuration", is_default=False, updated=state.now, active=True)
    update(made, call.params, *FIELDS)
    _set_features(made, call.params["features"])
    state.emit("billing_portal.configuration.created", made)
    return made


@serves("POST", "/v1/billing_portal/configurations/{}")
def change_configuration(state: State, call: Call) -> Json:
    made = state.get("billing_portal.configuration", call.id)
    update(made, call.params, *FIELDS)
    _set_features(made, call.params.get("features", {}))
    made["updated"] = state.now
    return made


@serves("POST", "/v1/billing_portal/sessions")
def create_session(state: State, call: Call) -> Json:
    params = call.params
    customer = live(state, params.get("customer", ""), "customer")
    named = params.get("configuration")
    chosen = state.get("billing_portal.configuration", named, "configuration") if named else default(state)
    back = params.get("return_url", chosen["default_return_url"])
    session = state.new("billing_portal.session", customer=customer["id"], configuration=chosen["id"], return_url=back)
    session |= {"flow": params.get("flow_data"), "url": f"{state.url}/portal/{session['id']}"}
    update(session, params, "locale", "on_behalf_of")
    return session


def default(state: State) -> Json:
    """The configuration of sessions that name none."""
    for row in state.all("billing_portal.configuration"):
        if row["is_default"]:
            return row
    made = state.new("billing_portal.configuration", is_default=True, updated=state.now, active=True)
    on = {"subscription_cancel": {"enabled": True}, "payment_method_update": {"enabled": True}}
    _set_features(made, on)
    return made


def cancel(state: State, session: Json, subscription_id: str) -> None:
    """The customer cancels, in the way the configuration lets."""
    feature = state.get("billing_portal.configuration", session["configuration"])["features"]["subscription_cancel"]
    subscription = state.get("subscription", subscription_id, "subscription")
    if not feature["enabled"] or subscription["customer"] != session["customer"]:
        raise refuse("this can not be cancelled here", param="subscription")
    later = feature["mode"] == "at_period_end"
    call = Call("POST" if later else "DELETE", "", (subscription_id,), {"cancel_at_period_end": True} if later else {})
    (subscriptions.change if later else subscriptions.cancel)(state, call)


def change_card(state: State, session: Json, card: str = "pm_card_visa") -> Json:
    """The customer saves another card, which pays from now on."""
    customer = live(state, session["customer"])
    method = paying.attach(state, paying.method_named(state, card), customer["id"])
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    for subscription in state.all("subscription"):
        if subscription["customer"] == customer["id"] and subscription["default_payment_method"]:
            subscription["default_payment_method"] = method["id"]
    state.emit("customer.updated", customer, previous={"invoice_settings": {}})
    return method


def _set_features(made: Json, features: Json) -> None:
    for name, wanted in features.items():
        made["features"][name] = made["features"].get(name, {}) | wanted
