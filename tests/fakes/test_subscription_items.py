"""The items of subscriptions: added, changed, taken away, with one interval for all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, NOON, Shop, items, period_end
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free


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


def test_an_item_can_go_and_another_come(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe()
    fee, use = items(made)
    change: Any = [{"id": fee.id, "deleted": True}, {"price": shop.fee, "quantity": 2}]
    changed = shop.client.v1.subscriptions.update(made.id, {"items": change, "proration_behavior": "none"})
    assert [item.quantity for item in items(changed)] == [None, 2]
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        shop.client.v1.subscription_items.retrieve(fee.id)
    assert shop.client.v1.subscription_items.retrieve(use.id).quantity is None


def test_intervals_can_not_be_mixed(shop: Shop) -> None:
    weekly = shop.client.v1.prices.create(
        {"product": shop.product, "currency": "usd", "unit_amount": 5, "recurring": {"interval": "week"}}
    )
    assert period_end(shop.subscribe(items=[{"price": weekly.id}])) == NOON + 7 * DAY
    with pytest.raises(stripe.InvalidRequestError, match="same interval"):
        shop.subscribe(items=[{"price": weekly.id}, {"price": shop.fee}])


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
