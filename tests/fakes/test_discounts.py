"""Coupons, promotion codes, tax rates."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, Shop, period_end
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "percent_off"),
        ({"percent_off": 5, "amount_off": 5, "currency": "usd"}, "percent_off"),
        ({"amount_off": 5}, "currency"),
        ({"percent_off": 5, "duration": "repeating"}, "duration_in_months"),
    ],
)
def test_coupons_that_stripe_would_refuse(client: Any, params: Any, message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        client.v1.coupons.create(params)


def test_a_coupon_is_renamed_and_deleted(client: Any) -> None:
    client.v1.coupons.create({"id": "SPRING", "percent_off": 5})
    assert client.v1.coupons.update("SPRING", {"name": "Spring"}).name == "Spring"
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.coupons.create({"id": "SPRING", "percent_off": 5})
    assert client.v1.coupons.delete("SPRING").deleted
    assert not client.v1.coupons.list().data


def test_a_code_is_unique_while_it_is_active(client: Any) -> None:
    coupon = client.v1.coupons.create({"percent_off": 5})
    params: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "Spring"}
    first = client.v1.promotion_codes.create(params)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.promotion_codes.create({**params, "code": "SPRING"})
    client.v1.promotion_codes.update(first.id, {"active": False})
    second = client.v1.promotion_codes.create(params)
    found = client.v1.promotion_codes.list({"code": "spring", "coupon": coupon.id, "active": True}).data
    assert [row.id for row in found] == [second.id]


def test_a_code_is_used_up_and_runs_out(shop: Shop, server: StripeServer) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 5})
    promotion: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}}
    once = shop.client.v1.promotion_codes.create({**promotion, "max_redemptions": 1})
    short = shop.client.v1.promotion_codes.create({**promotion, "expires_at": server.now() + DAY})
    shop.subscribe(discounts=[{"promotion_code": once.id}])
    server.advance(server.now() + 2 * DAY)
    for code in (once, short):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.subscribe(discounts=[{"promotion_code": code.id}])
        assert refused.value.code == "coupon_expired"
    assert shop.client.v1.coupons.retrieve(coupon.id).times_redeemed == 1


def test_a_coupon_for_some_months(shop: Shop, server: StripeServer) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 50, "duration": "repeating", "duration_in_months": 2})
    made = shop.subscribe(items=[{"price": shop.fee}], discounts=[{"coupon": coupon.id}])
    for _ in range(3):
        server.advance(period_end(shop.client.v1.subscriptions.retrieve(made.id)))
    assert [invoice.total for invoice in shop.invoices()] == [2000, 2000, 1000, 1000]


def test_a_tax_rate_is_retired(client: Any) -> None:
    made = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 7.5, "inclusive": False, "country": "DE"})
    assert (made.percentage, made.country) == (7.5, "DE")
    client.v1.tax_rates.update(made.id, {"active": False})
    assert not client.v1.tax_rates.list({"active": True}).data
