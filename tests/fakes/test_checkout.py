"""Checkout and portal, clicked through as a person does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from tests.fakes.shop import DAY, Shop
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free
BACK: Any = {
    "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example/no",
}
CREDITS: Any = {
    "mode": "payment",
    "line_items": [
        {"price_data": {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Credits"}}, "quantity": 2}
    ],
}


def press(url: str, action: str, **more: str) -> httpx.Response:
    """Presses a button of a page, without following where it leads."""
    assert "TEST" in httpx.get(url).text
    return httpx.post(url, data={"action": action, **more})


def types(server: StripeServer) -> list[str]:
    return [event["type"] for event in server.events]


def test_a_payment(shop: Shop, server: StripeServer) -> None:
    sessions = shop.client.v1.checkout.sessions
    more: Any = {"client_reference_id": "7", "payment_intent_data": {"metadata": {"purchase": "7"}}}
    made = sessions.create({**BACK, **CREDITS, **more, "customer": shop.customer})
    assert (made.amount_total, made.payment_status) == (1000, "unpaid")
    answer = press(str(made.url), "pay")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"https://shop.example/done?s={made.id}"
    done: Any = sessions.retrieve(made.id, {"expand": ["payment_intent", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.payment_intent.metadata.to_dict() == {"purchase": "7"}
    assert done.line_items.data[0].description == "Credits"
    assert types(server)[-1] == "checkout.session.completed"
    assert "payment_intent.succeeded" in types(server)


def test_a_subscription_for_someone_new(shop: Shop) -> None:
    lines: Any = [{"price": shop.fee, "quantity": 1}, {"price": shop.usage}]
    made = shop.client.v1.checkout.sessions.create(
        {**BACK, "mode": "subscription", "line_items": lines, "subscription_data": {"metadata": {"plan": "7"}}}
    )
    press(str(made.url), "pay")
    done: Any = shop.client.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription", "customer"]})
    assert done.subscription.status == "active"
    assert done.subscription.metadata.to_dict() == {"plan": "7"}
    assert done.customer.email == done.customer_details.email
    assert done.invoice == done.subscription.latest_invoice


def test_a_card_is_saved(shop: Shop, server: StripeServer) -> None:
    made = shop.client.v1.checkout.sessions.create(
        {**BACK, "mode": "setup", "currency": "usd", "customer": shop.customer}
    )
    done = server.pay(made.id)
    setup = shop.client.v1.setup_intents.retrieve(done["setup_intent"])
    method = shop.client.v1.payment_methods.retrieve(str(setup.payment_method))
    assert method.customer == shop.customer


def test_a_declined_card_leaves_the_session_open(shop: Shop) -> None:
    made = shop.client.v1.checkout.sessions.create({**BACK, **CREDITS})
    assert press(str(made.url), "decline").status_code == 402
    assert shop.client.v1.checkout.sessions.retrieve(made.id).status == "open"
    assert press(str(made.url), "cancel").headers["Location"] == BACK["cancel_url"]
    assert press(str(made.url), "pay").status_code == 303


def test_a_session_ends_by_itself_or_by_hand(shop: Shop, server: StripeServer) -> None:
    sessions = shop.client.v1.checkout.sessions
    first, second = (sessions.create({**BACK, **CREDITS}) for _ in range(2))
    assert sessions.expire(first.id).status == "expired"
    server.advance(server.now() + DAY)
    assert sessions.retrieve(second.id).status == "expired"
    assert types(server).count("checkout.session.expired") == 2
    with pytest.raises(stripe.InvalidRequestError):
        sessions.expire(second.id)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"success_url": ...}, "success_url"),
        ({"mode": "subscription"}, "recurring"),
        ({"mode": "setup"}, "line_items"),
        ({"subscription_data": {"description": "x"}}, "subscription_data"),
        ({"customer": "cus_none"}, "No such customer"),
    ],
)
def test_a_session_that_stripe_would_refuse(shop: Shop, change: Any, message: str) -> None:
    params = {**BACK, **CREDITS, **change}
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.client.v1.checkout.sessions.create({k: v for k, v in params.items() if v is not ...})


def test_a_promotion_code_lowers_a_payment(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 25})
    code = shop.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    made = shop.client.v1.checkout.sessions.create({**BACK, **CREDITS, "discounts": [{"promotion_code": code.id}]})
    press(str(made.url), "pay")
    done: Any = shop.client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]})
    assert (done.amount_total, done.payment_intent.amount) == (750, 750)


def test_the_portal_cancels_and_changes_the_card(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    session = shop.client.v1.billing_portal.sessions.create(
        {"customer": shop.customer, "return_url": "https://shop.example/account"}
    )
    assert made.id in httpx.get(session.url).text
    answer = press(session.url, "cancel", subscription=made.id)
    assert answer.headers["Location"] == "https://shop.example/account"
    assert shop.client.v1.subscriptions.retrieve(made.id).cancel_at_period_end
    before = shop.client.v1.customers.retrieve(shop.customer).invoice_settings
    press(session.url, "card")
    after = shop.client.v1.customers.retrieve(shop.customer).invoice_settings
    assert before != after
    assert types(server)[-1] == "customer.updated"


def test_a_portal_that_forbids_to_cancel(shop: Shop) -> None:
    made = shop.subscribe()
    chosen = shop.client.v1.billing_portal.configurations.create(
        {"features": {"subscription_cancel": {"enabled": False}}}
    )
    session = shop.client.v1.billing_portal.sessions.create({"customer": shop.customer, "configuration": chosen.id})
    assert press(session.url, "cancel", subscription=made.id).status_code == 400
    assert not shop.client.v1.subscriptions.retrieve(made.id).cancel_at_period_end


def test_a_hosted_invoice_is_paid(shop: Shop) -> None:
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 5})
    opened = shop.client.v1.invoices.finalize_invoice(made.id)
    press(str(opened.hosted_invoice_url), "pay")
    assert shop.client.v1.invoices.retrieve(made.id).status == "paid"


def test_there_is_no_page_of_nothing(server: StripeServer) -> None:
    assert httpx.get(f"{server.url}/pay/cs_none").status_code == 404
    assert httpx.get(server.url).status_code == 404


def test_a_portal_that_ends_subscriptions_at_once(shop: Shop) -> None:
    made = shop.subscribe()
    configurations = shop.client.v1.billing_portal.configurations
    chosen = configurations.create({"features": {"subscription_cancel": {"enabled": True}}, "name": "strict"})
    configurations.update(chosen.id, {"features": {"subscription_cancel": {"enabled": True, "mode": "immediately"}}})
    session = shop.client.v1.billing_portal.sessions.create({"customer": shop.customer, "configuration": chosen.id})
    press(session.url, "cancel", subscription=made.id)
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "canceled"


def test_sessions_are_listed_and_labelled(shop: Shop) -> None:
    sessions = shop.client.v1.checkout.sessions
    made = sessions.create({**BACK, **CREDITS, "customer": shop.customer})
    sessions.update(made.id, {"metadata": {"purchase": "7"}})
    (found,) = sessions.list({"customer": shop.customer, "status": "open"}).data
    assert found.metadata.to_dict() == {"purchase": "7"}
    assert [row.quantity for row in sessions.line_items.list(made.id).data] == [2]
    sessions.expire(made.id)
    assert "expired" in httpx.get(str(made.url)).text
