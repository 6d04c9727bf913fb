"""Invoices, their items, previews, credit notes, refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.fakes.shop import HOUR, Shop, save_card
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free


@pytest.fixture
def paid(shop: Shop) -> Any:
    """An invoice of 1000 that was paid by card."""
    draft = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": draft.id, "amount": 1000})
    shop.client.v1.invoices.finalize_invoice(draft.id)
    return shop.client.v1.invoices.pay(draft.id, {"expand": ["payments"]})


def test_items_wait_for_an_invoice_or_go_on_a_draft(shop: Shop) -> None:
    entry = shop.client.v1.invoice_items
    waiting = entry.create({"customer": shop.customer, "currency": "usd", "amount": 300, "metadata": {"line": "1"}})
    empty = shop.client.v1.invoices.create({"customer": shop.customer})
    assert empty.total == 0
    full = shop.client.v1.invoices.create({"customer": shop.customer, "pending_invoice_items_behavior": "include"})
    entry.create({"customer": shop.customer, "invoice": full.id, "unit_amount_decimal": Decimal("0.5"), "quantity": 3})
    full = shop.client.v1.invoices.retrieve(full.id)
    assert [line.amount for line in full.lines.data] == [300, 2]
    assert full.lines.data[0].metadata.to_dict() == {"line": "1"}
    assert full.lines.data[0].parent is not None
    assert entry.retrieve(waiting.id).invoice == full.id


def test_a_draft_item_can_be_changed_and_taken_away(shop: Shop) -> None:
    draft = shop.client.v1.invoices.create({"customer": shop.customer})
    item = shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": draft.id, "amount": 300})
    shop.client.v1.invoice_items.update(item.id, {"amount": 400})
    assert shop.client.v1.invoices.retrieve(draft.id).total == 400
    shop.client.v1.invoice_items.delete(item.id)
    assert shop.client.v1.invoices.retrieve(draft.id).total == 0


def test_a_finalised_invoice_takes_no_more_items(shop: Shop, paid: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": paid.id, "amount": 1})
    assert refused.value.code == "invoice_not_editable"
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.invoices.finalize_invoice(paid.id)


def test_a_manual_draft_does_not_advance_unless_it_is_told_to(shop: Shop, server: StripeServer) -> None:
    still = shop.client.v1.invoices.create({"customer": shop.customer})
    moving = shop.client.v1.invoices.create({"customer": shop.customer, "auto_advance": True})
    server.advance(server.now() + HOUR)
    states = [shop.client.v1.invoices.retrieve(invoice.id).status for invoice in (still, moving)]
    assert states == ["draft", "paid"]


def test_numbers_are_given_at_finalisation_and_without_gaps(shop: Shop, paid: Any) -> None:
    dropped = shop.client.v1.invoices.create({"customer": shop.customer})
    shop.client.v1.invoices.delete(dropped.id)
    second = shop.client.v1.invoices.create({"customer": shop.customer})
    assert second.number is None
    numbers = [paid.number, shop.client.v1.invoices.finalize_invoice(second.id).number]
    assert [str(number)[-4:] for number in numbers] == ["0001", "0002"]


def test_a_payment_is_found_from_the_invoice(shop: Shop, paid: Any) -> None:
    (payment,) = shop.client.v1.invoice_payments.list({"invoice": paid.id}).data
    assert payment.payment.payment_intent == paid.payments.data[0].payment.payment_intent
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)


def test_open_invoices_are_voided_written_off_or_settled_outside(shop: Shop) -> None:
    invoices = shop.client.v1.invoices

    def opened() -> str:
        made = invoices.create({"customer": shop.customer, "currency": "usd"})
        shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 5})
        return str(invoices.finalize_invoice(made.id).id)

    assert invoices.void_invoice(opened()).status == "void"
    assert invoices.mark_uncollectible(opened()).status == "uncollectible"
    assert invoices.pay(opened(), {"paid_out_of_band": True}).status == "paid"
    assert invoices.send_invoice(opened()).status == "open"


def test_a_declined_payment_is_402_and_the_invoice_stays_open(shop: Shop) -> None:
    bad = save_card(shop.client, shop.customer, "pm_card_chargeDeclined")
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 5})
    with pytest.raises(stripe.CardError) as declined:
        shop.client.v1.invoices.pay(made.id, {"payment_method": bad})
    assert declined.value.code == "card_declined"
    assert shop.client.v1.invoices.retrieve(made.id).status == "open"


def test_a_preview_changes_nothing(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    events, item = len(server.events), made["items"].data[0].id
    change: Any = {"items": [{"id": item, "quantity": 3}], "proration_date": server.now()}
    shown = shop.client.v1.invoices.create_preview({"subscription": made.id, "subscription_details": change})
    assert shown.total == 6000 + 4000
    assert len(server.events) == events
    assert len(shop.invoices()) == 1
    assert shop.client.v1.subscriptions.retrieve(made.id)["items"].data[0].quantity == 1


def test_a_preview_of_what_a_new_subscription_would_cost(shop: Shop) -> None:
    wanted: Any = {"items": [{"price": shop.fee, "quantity": 2}]}
    shown = shop.client.v1.invoices.create_preview({"customer": shop.customer, "subscription_details": wanted})
    assert shown.total == 4000
    assert not shop.invoices()


def test_a_credit_note_lowers_what_is_open(shop: Shop) -> None:
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 1000})
    made = shop.client.v1.invoices.finalize_invoice(made.id)
    line: Any = {"type": "invoice_line_item", "invoice_line_item": made.lines.data[0].id, "amount": 400}
    note = shop.client.v1.credit_notes.create({"invoice": made.id, "lines": [line], "reason": "duplicate"})
    assert (note.type, note.amount, note.number) == ("pre_payment", 400, f"{made.number}-CN-01")
    assert shop.client.v1.invoices.retrieve(made.id).amount_remaining == 600
    shop.client.v1.credit_notes.void_credit_note(note.id)
    assert shop.client.v1.invoices.retrieve(made.id).amount_remaining == 1000


def test_a_credit_note_on_a_paid_invoice_says_where_the_money_goes(shop: Shop, paid: Any) -> None:
    notes = shop.client.v1.credit_notes
    with pytest.raises(stripe.InvalidRequestError, match="add up"):
        notes.create({"invoice": paid.id, "amount": 300})
    notes.create({"invoice": paid.id, "amount": 300, "refund_amount": 100, "credit_amount": 200})
    assert shop.client.v1.customers.retrieve(shop.customer).balance == -200
    assert [row.amount for row in shop.client.v1.refunds.list().data] == [100]
    with pytest.raises(stripe.InvalidRequestError, match="can be credited"):
        notes.create({"invoice": paid.id, "amount": 701, "out_of_band_amount": 701})


def test_a_credit_balance_pays_the_next_invoice(shop: Shop, paid: Any) -> None:
    shop.client.v1.credit_notes.create({"invoice": paid.id, "amount": 200, "credit_amount": 200})
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 150})
    made = shop.client.v1.invoices.finalize_invoice(made.id)
    assert (made.status, made.amount_due, made.ending_balance) == ("paid", 0, -50)


def test_no_more_is_refunded_than_was_paid(shop: Shop, paid: Any, server: StripeServer) -> None:
    intent = paid.payments.data[0].payment.payment_intent
    refunds = shop.client.v1.refunds
    assert refunds.create({"payment_intent": intent, "amount": 999}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater"):
        refunds.create({"payment_intent": intent, "amount": 2})
    refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"
    assert [event["type"] for event in server.events].count("charge.refunded") == 2


def test_payment_and_setup_intents_by_hand(shop: Shop) -> None:
    intents = shop.client.v1.payment_intents
    made = intents.create({"amount": 500, "currency": "usd", "customer": shop.customer, "confirm": True})
    assert (made.status, made.amount_received) == ("succeeded", 500)
    charge = shop.client.v1.charges.retrieve(str(made.latest_charge))
    assert charge.payment_intent == made.id
    setup = shop.client.v1.setup_intents.create(
        {"customer": shop.customer, "confirm": True, "payment_method": "pm_card_visa"}
    )
    assert setup.status == "succeeded"
    assert len(shop.client.v1.customers.payment_methods.list(shop.customer).data) == 2


def test_a_draft_is_changed_and_an_open_invoice_is_not(shop: Shop, server: StripeServer) -> None:
    rate = shop.client.v1.tax_rates.create({"display_name": "VAT", "percentage": 10, "inclusive": False})
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 100})
    params: Any = {"default_tax_rates": [rate.id], "auto_advance": True, "description": "Thanks"}
    changed = shop.client.v1.invoices.update(made.id, params)
    assert (changed.total, changed.automatically_finalizes_at) == (110, server.now() + HOUR)
    shop.client.v1.invoices.finalize_invoice(made.id, {"auto_advance": False})
    shop.client.v1.invoices.update(made.id, {"metadata": {"seen": "1"}})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.invoices.update(made.id, {"footer": "late"})
    assert refused.value.code == "invoice_not_editable"
    lines = shop.client.v1.invoices.line_items.list(made.id).data
    assert [line.taxes[0].amount for line in lines] == [10]


def test_items_of_a_deleted_draft_wait_again(shop: Shop) -> None:
    made = shop.client.v1.invoices.create({"customer": shop.customer, "currency": "usd"})
    item = shop.client.v1.invoice_items.create({"customer": shop.customer, "invoice": made.id, "amount": 100})
    shop.client.v1.invoices.delete(made.id)
    assert shop.client.v1.invoice_items.retrieve(item.id).invoice is None
    full = shop.client.v1.invoices.create({"customer": shop.customer, "pending_invoice_items_behavior": "include"})
    assert full.total == 100


def test_an_item_by_a_price(shop: Shop) -> None:
    once = shop.client.v1.prices.create({"product": shop.product, "currency": "usd", "unit_amount": 30})
    params: Any = {"customer": shop.customer, "pricing": {"price": once.id}, "quantity": 2}
    item = shop.client.v1.invoice_items.create(params)
    assert (item.amount, item.pricing.price_details.price) == (60, once.id)
    with pytest.raises(stripe.InvalidRequestError, match="amount is needed"):
        shop.client.v1.invoice_items.create({"customer": shop.customer, "currency": "usd"})


def test_an_invoice_of_a_subscription_by_hand(shop: Shop) -> None:
    made = shop.subscribe()
    extra = shop.client.v1.invoices.create({"customer": shop.customer, "subscription": made.id})
    assert extra.parent.subscription_details.subscription == made.id
    assert len(shop.client.v1.invoices.list({"subscription": made.id}).data) == 2


def test_a_preview_with_a_change_that_is_billed_at_once(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    end = made["items"].data[0].current_period_end
    server.advance((server.now() + end) // 2)
    change: Any = {"items": [{"id": made["items"].data[0].id, "quantity": 2}], "proration_behavior": "always_invoice"}
    extra: Any = [{"amount": 7, "currency": "usd"}]
    previews = shop.client.v1.invoices
    shown = previews.create_preview({"subscription": made.id, "subscription_details": change, "invoice_items": extra})
    assert shown.total == 1000 + 7
    assert previews.create_preview({"customer": shop.customer}).total == 0
    with pytest.raises(stripe.InvalidRequestError, match="is needed"):
        previews.create_preview({})


def test_credit_notes_have_memos_and_lines(shop: Shop, paid: Any) -> None:
    line = {"type": "custom_line_item", "description": "Sorry", "unit_amount": 50, "quantity": 2}
    note = shop.client.v1.credit_notes.create({"invoice": paid.id, "lines": [line], "out_of_band_amount": 100})
    assert shop.client.v1.credit_notes.update(note.id, {"memo": "sorry"}).memo == "sorry"
    assert [row.amount for row in shop.client.v1.credit_notes.line_items.list(note.id).data] == [100]
    with pytest.raises(stripe.InvalidRequestError, match="can be voided"):
        shop.client.v1.credit_notes.void_credit_note(note.id)
