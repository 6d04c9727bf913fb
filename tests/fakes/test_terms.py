"""What a subscription costs: currencies, packages, tiers, discounts, taxes, lines that we rated ourselves."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.fakes.shop import HOUR, Shop, period_end
from tests.fakes.stripe import StripeServer, rating

pytestmark = pytest.mark.database_free


def test_a_customer_has_one_currency(shop: Shop) -> None:
    shop.subscribe()
    euro = shop.client.v1.prices.create(
        {"product": shop.product, "currency": "eur", "unit_amount": 100, "recurring": {"interval": "month"}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        shop.subscribe(items=[{"price": euro.id}])


def test_a_price_has_amounts_in_other_currencies(shop: Shop) -> None:
    both = shop.client.v1.prices.create(
        {
            "product": shop.product,
            "currency": "usd",
            "unit_amount": 100,
            "recurring": {"interval": "month"},
            "currency_options": {"eur": {"unit_amount": 90}},
        }
    )
    shop.subscribe(items=[{"price": both.id}], currency="eur")
    assert (shop.invoices()[0].currency, shop.invoices()[0].total) == ("eur", 90)


def test_packages_and_volume_tiers(shop: Shop) -> None:
    plain: Any = {"product": shop.product, "currency": "usd", "recurring": {"interval": "month"}}
    packs = shop.client.v1.prices.create(
        {**plain, "unit_amount": 700, "transform_quantity": {"divide_by": 10, "round": "up"}}
    )
    tiers = [{"up_to": 5, "unit_amount": 10}, {"up_to": "inf", "unit_amount": 8, "flat_amount": 1}]
    volume = shop.client.v1.prices.create({**plain, "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers})
    shop.subscribe(items=[{"price": packs.id, "quantity": 21}, {"price": volume.id, "quantity": 6}])
    assert [line.amount for line in shop.invoices()[0].lines.data] == [2100, 49]


def test_a_coupon_for_once_and_a_promotion_code_for_ever(shop: Shop, server: StripeServer) -> None:
    coupons, codes = shop.client.v1.coupons, shop.client.v1.promotion_codes
    once = coupons.create({"amount_off": 500, "currency": "usd", "duration": "once"})
    half = coupons.create({"percent_off": 50, "duration": "forever"})
    code = codes.create({"promotion": {"type": "coupon", "coupon": half.id}, "code": "HALF"})
    made = shop.subscribe(discounts=[{"coupon": once.id}, {"promotion_code": code.id}])
    server.advance(period_end(made) + HOUR)
    assert [invoice.total for invoice in shop.invoices()] == [1000, 750]
    assert codes.retrieve(code.id).times_redeemed == 1


def test_taxes_come_on_top_or_are_inside(shop: Shop) -> None:
    rates = shop.client.v1.tax_rates
    vat = rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    inside = rates.create({"display_name": "VAT", "percentage": 19, "inclusive": True})
    shop.subscribe(default_tax_rates=[vat.id])
    assert (shop.invoices()[0].subtotal, shop.invoices()[0].total) == (2000, 2380)
    shop.subscribe(default_tax_rates=[inside.id])
    assert (shop.invoices()[0].total, shop.invoices()[0].total_excluding_tax) == (2000, 1681)


def test_lines_of_our_own_go_on_the_draft_of_a_renewal(shop: Shop, server: StripeServer) -> None:
    made = shop.subscribe(items=[{"price": shop.fee}])
    server.advance(period_end(made))
    draft = shop.invoices()[0]
    line: Any = {"customer": shop.customer, "invoice": draft.id, "currency": "usd", "amount": 123}
    item = shop.client.v1.invoice_items.create({**line, "metadata": {"line_id": "7"}})
    server.advance(server.now() + HOUR)
    done = shop.client.v1.invoices.retrieve(draft.id)
    assert (done.status, done.total) == ("paid", 2123)
    assert done.lines.data[-1].parent.invoice_item_details.invoice_item == item.id
    with pytest.raises(stripe.InvalidRequestError, match="no longer editable"):
        shop.client.v1.invoice_items.create(line)


@pytest.mark.parametrize(("used", "amount"), [("0", 0), ("10", 0), ("11", 2), ("12", 3), ("30", 30)])
def test_graduated_tiers_are_rounded_once_for_the_line(
    shop: Shop, server: StripeServer, used: str, amount: int
) -> None:
    made = shop.subscribe()
    shop.report(used, "e1")
    server.advance(period_end(made))
    assert shop.invoices()[0].lines.data[-1].amount == amount


def test_less_than_nothing_costs_nothing(shop: Shop, server: StripeServer) -> None:
    price = server.state.objects["price"][shop.usage]
    assert rating.amount_of(price, rating.decimal("-20"), "usd") == 0
