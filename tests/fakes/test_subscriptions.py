"""Subscriptions: start, change with proration, renewal with use, end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, HOUR, Shop, items, period_end, save_card
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free


def types(server: StripeServer) -> list[str]:
    return [event["type"] for event in server.events]


def test_a_subscription_starts_active_and_paid_and_its_items_have_the_period(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(metadata={"plan": "7"}, expand=["latest_invoice"])
    assert (made.status, made.latest_invoice.status, made.latest_invoice.total) == ("active", "paid", 2000)
    assert made.billing_mode.type == "flexible"
    assert datetime.fromtimestamp(period_end(made), UTC).isoformat() == "2026-11-02T12:00:00+00:00"
    assert "current_period_end" not in made.to_dict()
    assert made.latest_invoice.parent.subscription_details.subscription == made.id
    assert types(server).index("customer.subscription.created") < types(server).index("invoice.paid")


def test_without_a_card_nothing_starts(shop: Shop, client: Any) -> None:
    poor = client.v1.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(customer=poor)
    assert not client.v1.subscriptions.list({"customer": poor}).data
    assert not client.v1.invoices.list({"customer": poor}).data


def test_a_declined_card_leaves_it_incomplete_until_the_invoice_is_paid(shop: Shop) -> None:
    save_card(shop.client, shop.customer, "pm_card_chargeDeclined")
    made = shop.subscribe(expand=["latest_invoice"])
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    good = save_card(shop.client, shop.customer)
    shop.client.v1.invoices.pay(made.latest_invoice.id, {"payment_method": good})
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "active"


def test_an_incomplete_one_is_given_up_after_a_day(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(payment_behavior="default_incomplete")
    server.advance(server.now() + DAY)
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert shop.invoices()[0].status == "void"


def test_an_invoice_that_is_sent_waits_as_a_draft(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(collection_method="send_invoice", days_until_due=30, expand=["latest_invoice"])
    assert (made.status, made.latest_invoice.status) == ("active", "draft")
    server.advance(server.now() + HOUR)
    invoice = shop.invoices()[0]
    assert (invoice.status, invoice.due_date) == ("open", server.now() + 30 * DAY)


def test_a_renewal_is_a_draft_for_an_hour_and_takes_use_until_then(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    shop.report("20", "e1")
    end = period_end(made)
    server.advance(end)
    invoice = shop.invoices()[0]
    assert (invoice.status, invoice.billing_reason, invoice.total) == ("draft", "subscription_cycle", 2015)
    assert invoice.automatically_finalizes_at == end + HOUR
    shop.report("2", "late", timestamp=end - 1)
    shop.report("100", "next")
    server.advance(end + HOUR)
    invoice = shop.client.v1.invoices.retrieve(invoice.id)
    assert (invoice.status, invoice.total) == ("paid", 2018)
    assert [line.quantity for line in invoice.lines.data] == [1, 22]
    assert types(server)[-1] == "invoice.payment_succeeded"
    assert {"invoice.created", "invoice.finalized", "invoice.paid"} <= set(types(server))


def test_the_day_of_the_month_is_remembered_over_a_short_one(shop: Shop, server: StripeServer) -> None:
    server.advance(datetime(2027, 1, 31, tzinfo=UTC))
    made = shop.subscribe()
    days = []
    for _ in range(3):
        days.append(datetime.fromtimestamp(period_end(made), UTC).strftime("%m-%d"))
        server.advance(period_end(made))
        made = shop.client.v1.subscriptions.retrieve(made.id)
    assert days == ["02-28", "03-31", "04-30"]


def test_a_change_in_the_middle_is_prorated_to_the_second(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    start, end = server.now(), period_end(made)
    server.advance((start + end) // 2)
    item = items(made)[0].id
    shop.client.v1.subscriptions.update(made.id, {"items": [{"id": item, "quantity": 3}]})
    pending = shop.client.v1.invoice_items.list({"customer": shop.customer, "pending": True}).data
    assert sorted(row.amount for row in pending) == [-1000, 3000]
    assert all(row.proration for row in pending)
    server.advance(end)
    assert shop.invoices()[0].total == 6000 + 2000


def test_up_and_down_at_once_nets_to_nothing(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    item = items(made)[0].id
    server.advance(server.now() + 7 * DAY + 1)
    for quantity in (7, 1):
        shop.client.v1.subscriptions.update(made.id, {"items": [{"id": item, "quantity": quantity}]})
    assert sum(row.amount for row in shop.client.v1.invoice_items.list({"customer": shop.customer}).data) == 0


def test_a_change_can_be_billed_at_once_or_not_at_all(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    item = items(made)[0].id
    server.advance((server.now() + period_end(made)) // 2)
    change: Any = {"items": [{"id": item, "quantity": 2}]}
    shop.client.v1.subscriptions.update(made.id, {**change, "proration_behavior": "always_invoice"})
    assert (shop.invoices()[0].billing_reason, shop.invoices()[0].total) == ("subscription_update", 1000)
    change["items"][0]["quantity"] = 5
    shop.client.v1.subscriptions.update(made.id, {**change, "proration_behavior": "none"})
    assert not shop.client.v1.invoice_items.list({"customer": shop.customer, "pending": True}).data


def test_an_item_has_an_address_of_its_own(shop: Shop) -> None:
    made = shop.subscribe()
    rows = shop.client.v1.subscription_items
    extra = shop.client.v1.prices.create(
        {"product": shop.product, "currency": "usd", "unit_amount": 100, "recurring": {"interval": "month"}}
    )
    item = rows.create({"subscription": made.id, "price": extra.id, "proration_behavior": "none"})
    assert rows.update(item.id, {"quantity": 4}).quantity == 4
    rows.delete(item.id)
    assert [row.price.id for row in rows.list({"subscription": made.id}).data] == [shop.usage, shop.fee]


def test_a_metered_item_has_no_quantity(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no quantity"):
        shop.subscribe(items=[{"price": shop.usage, "quantity": 1}])


def test_it_ends_with_the_period_and_bills_the_last_use(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    shop.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    shop.report("12", "e1")
    server.advance(period_end(made) + HOUR)
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "canceled"
    assert shop.invoices()[0].total == 3
    assert types(server).count("customer.subscription.deleted") == 1


def test_it_ends_at_once(shop: Shop) -> None:
    made = shop.subscribe()
    assert shop.client.v1.subscriptions.cancel(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.update(made.id, {"description": "x"})
    assert not shop.client.v1.subscriptions.list({"customer": shop.customer}).data
    assert shop.client.v1.subscriptions.list({"customer": shop.customer, "status": "all"}).data


@pytest.mark.parametrize(("behavior", "status"), [("void", "void"), ("keep_as_draft", "draft")])
def test_a_paused_collection_holds_renewals_back(shop: Shop, server: StripeServer, behavior: Any, status: str) -> None:
    made = shop.subscribe()
    shop.client.v1.subscriptions.update(made.id, {"pause_collection": {"behavior": behavior}})
    server.advance(period_end(made) + HOUR)
    assert shop.invoices()[0].status == status
    resumed = shop.client.v1.subscriptions.update(made.id, {"pause_collection": ""})
    assert resumed.pause_collection is None


def test_pause_and_resume(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    assert shop.client.v1.subscriptions.pause(made.id).status == "paused"
    server.advance(period_end(made) + DAY)
    assert len(shop.invoices()) == 1
    resumed = shop.client.v1.subscriptions.resume(made.id)
    assert resumed.status == "active"
    assert items(resumed)[0].current_period_start == server.now()


def test_a_trial_costs_nothing_and_then_begins(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(trial_period_days=14)
    assert (made.status, shop.invoices()[0].total) == ("trialing", 0)
    assert period_end(made) == server.now() + 14 * DAY
    server.advance(server.now() + 14 * DAY + HOUR)
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "active"
    assert (shop.invoices()[0].status, shop.invoices()[0].total) == ("paid", 2000)


def test_a_card_that_fails_at_renewal_makes_it_past_due_and_is_tried_again(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    save_card(shop.client, shop.customer, "pm_card_chargeDeclined")
    server.advance(period_end(made) + HOUR)
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "past_due"
    assert (shop.invoices()[0].status, shop.invoices()[0].attempt_count) == ("open", 1)
    save_card(shop.client, shop.customer)
    server.advance(server.now() + 3 * DAY)
    assert shop.invoices()[0].status == "paid"
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "active"
    assert "invoice.payment_failed" in types(server)


def test_time_does_not_run_backwards(server: StripeServer) -> None:
    with pytest.raises(ValueError, match="backwards"):
        server.advance(server.now() - 1)


def test_another_interval_begins_a_new_period_at_once(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(items=[{"price": shop.fee}])
    server.advance((server.now() + period_end(made)) // 2)
    yearly = shop.client.v1.prices.create(
        {"product": shop.product, "currency": "usd", "unit_amount": 20000, "recurring": {"interval": "year"}}
    )
    change: Any = {"items": [{"id": items(made)[0].id, "price": yearly.id}]}
    changed = shop.client.v1.subscriptions.update(made.id, {**change, "proration_behavior": "none"})
    assert datetime.fromtimestamp(period_end(changed), UTC).year == 2027
    assert (shop.invoices()[0].billing_reason, shop.invoices()[0].total) == ("subscription_update", 20000)


def test_intervals_can_not_be_mixed(shop: Shop) -> None:
    weekly = shop.client.v1.prices.create(
        {"product": shop.product, "currency": "usd", "unit_amount": 5, "recurring": {"interval": "week"}}
    )
    assert period_end(shop.subscribe(items=[{"price": weekly.id}])) == 1_790_942_400 + 7 * DAY
    with pytest.raises(stripe.InvalidRequestError, match="same interval"):
        shop.subscribe(items=[{"price": weekly.id}, {"price": shop.fee}])


def test_a_trial_ends_now_or_later(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(items=[{"price": shop.fee}], trial_period_days=14)
    later = shop.client.v1.subscriptions.update(made.id, {"trial_end": server.now() + 20 * DAY})
    assert (later.status, period_end(later)) == ("trialing", server.now() + 20 * DAY)
    done = shop.client.v1.subscriptions.update(made.id, {"trial_end": "now"})
    assert (done.status, shop.invoices()[0].total, shop.invoices()[0].status) == ("active", 2000, "paid")


def test_cancelling_bills_the_use_and_gives_back_the_rest_of_the_fee(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    server.advance((server.now() + period_end(made)) // 2)
    shop.report("20", "e1", timestamp=server.now() - 1)
    server.aggregate()
    shop.client.v1.subscriptions.cancel(made.id, {"invoice_now": True, "prorate": True})
    assert shop.invoices()[0].total == 15 - 1000
    assert shop.client.v1.customers.retrieve(shop.customer).balance == 15 - 1000


def test_an_item_can_go_and_another_come(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    fee, use = items(made)
    change: Any = [{"id": fee.id, "deleted": True}, {"price": shop.fee, "quantity": 2}]
    changed = shop.client.v1.subscriptions.update(made.id, {"items": change, "proration_behavior": "none"})
    assert [item.quantity for item in items(changed)] == [None, 2]
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        shop.client.v1.subscription_items.retrieve(fee.id)
    assert shop.client.v1.subscription_items.retrieve(use.id).quantity is None
