"""Customers, products and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.fakes.shop import Shop
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free


def test_a_customer_is_found_by_its_metadata(client: Any) -> None:
    wanted = client.v1.customers.create({"metadata": {"tenant": "7"}})
    client.v1.customers.create({"metadata": {"tenant": "8"}})
    found = client.v1.customers.search({"query": "metadata['tenant']:'7'"})
    assert [row.id for row in found.data] == [wanted.id]


def test_metadata_is_merged_and_an_empty_value_takes_a_key_away(client: Any) -> None:
    made = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update(made.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def test_a_deleted_customer_is_a_tombstone(client: Any) -> None:
    made = client.v1.customers.create({})
    client.v1.customers.delete(made.id)
    assert client.v1.customers.retrieve(made.id).to_dict()["deleted"] is True
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(made.id, {"name": "Ada"})


def test_a_list_is_paged_newest_first(client: Any) -> None:
    made = [client.v1.customers.create({}).id for _ in range(5)]
    pages = client.v1.customers.list({"limit": 2})
    assert pages.has_more
    assert [row.id for row in pages.auto_paging_iter()] == made[::-1]


def test_amounts_of_a_price_can_not_change(client: Any, shop: Shop, server: StripeServer) -> None:
    wrong: Any = {"unit_amount": 1}
    with pytest.raises(stripe.InvalidRequestError, match="parameter_unknown"):
        client.v1.prices.update(shop.fee, wrong)
    assert server.violations.pop()


def test_a_decimal_amount_is_exact(client: Any, shop: Shop) -> None:
    price = client.v1.prices.create(
        {"product": shop.product, "currency": "usd", "unit_amount_decimal": Decimal("0.000000000001")}
    )
    assert price.unit_amount_decimal == Decimal("0.000000000001")
    assert price.unit_amount is None
    with pytest.raises(stripe.InvalidRequestError, match="12 decimal places"):
        client.v1.prices.create(
            {"product": shop.product, "currency": "usd", "unit_amount_decimal": Decimal("0.0000000000001")}
        )


def test_a_lookup_key_belongs_to_one_price_and_can_be_handed_on(client: Any, shop: Shop) -> None:
    params: Any = {"product": shop.product, "currency": "usd", "unit_amount": 5, "lookup_key": "plan:1"}
    first = client.v1.prices.create(params)
    with pytest.raises(stripe.InvalidRequestError, match="lookup_key"):
        client.v1.prices.create(params)
    second = client.v1.prices.create({**params, "transfer_lookup_key": True})
    assert [row.id for row in client.v1.prices.list({"lookup_keys": ["plan:1"]}).data] == [second.id]
    assert client.v1.prices.retrieve(first.id).lookup_key is None


def test_tiers_and_currencies_are_shown_when_asked_for(client: Any, shop: Shop) -> None:
    plain = client.v1.prices.retrieve(shop.usage)
    assert "tiers" not in plain.to_dict()
    tiers = client.v1.prices.retrieve(shop.usage, {"expand": ["tiers"]}).tiers
    assert tiers is not None
    assert [(tier.up_to, tier.unit_amount_decimal) for tier in tiers] == [(10, Decimal(0)), (None, Decimal("1.5"))]


def test_tiers_must_rise_and_end_open(client: Any, shop: Shop) -> None:
    tiers: Any = [{"up_to": 10, "unit_amount": 1}, {"up_to": 5, "unit_amount": 1}]
    params: Any = {"product": shop.product, "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "volume"}
    with pytest.raises(stripe.InvalidRequestError, match="rise"):
        client.v1.prices.create({**params, "tiers": tiers})


def test_a_product_is_expanded_in_a_list(client: Any, shop: Shop) -> None:
    found: Any = client.v1.prices.list({"product": shop.product, "expand": ["data.product"]})
    assert {row.product.name for row in found.data} == {"Reports"}


def test_a_missing_object_is_404_in_the_path_and_400_in_a_parameter(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as by_path:
        client.v1.products.retrieve("prod_none")
    with pytest.raises(stripe.InvalidRequestError) as by_param:
        client.v1.prices.create({"product": "prod_none", "currency": "usd", "unit_amount": 1})
    assert (by_path.value.http_status, by_param.value.http_status) == (404, 400)
    assert by_path.value.code == by_param.value.code == "resource_missing"


def test_the_account_can_be_read(client: Any) -> None:
    assert client.v1.accounts.retrieve_current().charges_enabled


def test_a_product_is_made_with_its_price_and_changed(client: Any) -> None:
    price: Any = {"currency": "usd", "unit_amount": 5}
    made = client.v1.products.create({"id": "reports", "name": "Reports", "default_price_data": price})
    assert client.v1.prices.retrieve(made.default_price).product == "reports"
    changed = client.v1.products.update("reports", {"active": False, "description": "old"})
    assert (changed.active, changed.description) == (False, "old")
    assert not client.v1.products.list({"active": True}).data
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.products.create({"id": "reports", "name": "again"})


def test_a_price_is_made_with_its_product_and_retired(client: Any) -> None:
    made = client.v1.prices.create({"currency": "usd", "unit_amount": 5, "product_data": {"name": "Extra"}})
    client.v1.prices.update(made.id, {"active": False, "nickname": "v1", "metadata": {"version": "1"}})
    shown = client.v1.prices.retrieve(made.id, {"expand": ["product"]})
    assert (shown.active, shown.nickname, shown.product.name) == (False, "v1", "Extra")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"product": None}, "product"),
        ({"unit_amount": None}, "amount is needed"),
        ({"unit_amount_decimal": "1.5"}, "not both"),
        ({"tiers_mode": "volume"}, "tiers"),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "meter"),
    ],
)
def test_prices_that_contradict_themselves(shop: Shop, change: Any, message: str) -> None:
    params = {"product": shop.product, "currency": "usd", "unit_amount": 5, **change}
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.client.v1.prices.create({name: value for name, value in params.items() if value is not None})


def test_an_archived_meter_takes_no_price(shop: Shop) -> None:
    shop.client.v1.billing.meters.deactivate(shop.meter)
    metered: Any = {"interval": "month", "usage_type": "metered", "meter": shop.meter}
    params = {"product": shop.product, "currency": "usd", "unit_amount": 5, "recurring": metered}
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        shop.client.v1.prices.create(params)
    assert shop.client.v1.billing.meters.reactivate(shop.meter).status == "active"
    shop.client.v1.prices.create(params)


def test_a_page_before_another(client: Any) -> None:
    made = [client.v1.customers.create({}).id for _ in range(4)][::-1]
    before = client.v1.customers.list({"ending_before": made[3], "limit": 2})
    assert [row.id for row in before.data] == made[1:3]
    with pytest.raises(stripe.InvalidRequestError, match="between 1 and 100"):
        client.v1.customers.list({"limit": 101})
