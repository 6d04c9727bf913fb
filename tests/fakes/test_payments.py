"""Payment intents, saved cards, set-ups."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.fakes.shop import Shop, save_card

pytestmark = pytest.mark.database_free
FIVE: Any = {"amount": 500, "currency": "usd"}


def test_an_intent_is_made_changed_and_confirmed(shop: Shop) -> None:
    intents = shop.client.v1.payment_intents
    made = intents.create({**FIVE, "customer": shop.customer, "payment_method": "pm_card_visa"})
    assert made.status == "requires_confirmation"
    intents.update(made.id, {"amount": 700, "metadata": {"purchase": "7"}})
    done = intents.confirm(made.id)
    assert (done.status, done.amount_received, done.metadata.to_dict()) == ("succeeded", 700, {"purchase": "7"})
    with pytest.raises(stripe.InvalidRequestError, match="succeeded"):
        intents.cancel(made.id)


def test_an_intent_is_cancelled(shop: Shop) -> None:
    made = shop.client.v1.payment_intents.create(FIVE)
    done = shop.client.v1.payment_intents.cancel(made.id, {"cancellation_reason": "abandoned"})
    assert (done.status, done.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})


def test_an_intent_without_a_card_can_not_be_confirmed(shop: Shop) -> None:
    made = shop.client.v1.payment_intents.create(FIVE)
    with pytest.raises(stripe.InvalidRequestError, match="payment method"):
        shop.client.v1.payment_intents.confirm(made.id)


def test_a_declined_intent_can_be_tried_with_another_card(shop: Shop) -> None:
    made = shop.client.v1.payment_intents.create(FIVE)
    with pytest.raises(stripe.CardError):
        shop.client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_chargeDeclined"})
    (charge,) = shop.client.v1.charges.list({"payment_intent": made.id}).data
    assert (charge.paid, charge.failure_code) == (False, "card_declined")
    with pytest.raises(stripe.InvalidRequestError, match="no successful charge"):
        shop.client.v1.refunds.create({"payment_intent": made.id})
    assert shop.client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_refund_of_a_charge_has_a_reason(shop: Shop) -> None:
    made = shop.client.v1.payment_intents.create({**FIVE, "customer": shop.customer, "confirm": True})
    refund = shop.client.v1.refunds.create({"charge": made.latest_charge, "reason": "duplicate"})
    assert shop.client.v1.refunds.update(refund.id, {"metadata": {"note": "7"}}).metadata.to_dict() == {"note": "7"}
    assert shop.client.v1.charges.retrieve(made.latest_charge).refunded
    with pytest.raises(stripe.InvalidRequestError, match="charge or payment_intent"):
        shop.client.v1.refunds.create({"amount": 1})


def test_a_card_belongs_to_one_customer_until_it_is_detached(shop: Shop) -> None:
    other = shop.client.v1.customers.create({}).id
    card = save_card(shop.client, shop.customer)
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        shop.client.v1.payment_methods.attach(card, {"customer": other})
    shop.client.v1.payment_methods.detach(card)
    assert shop.client.v1.customers.retrieve(shop.customer).invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        shop.client.v1.payment_methods.detach(card)


def test_a_card_is_made_and_set_up_later(shop: Shop) -> None:
    card = shop.client.v1.payment_methods.create({"type": "card", "metadata": {"of": "ada"}})
    setup = shop.client.v1.setup_intents.create({"customer": shop.customer})
    assert shop.client.v1.setup_intents.confirm(setup.id, {"payment_method": card.id}).status == "succeeded"
    assert shop.client.v1.payment_methods.retrieve(card.id).customer == shop.customer
