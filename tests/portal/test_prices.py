"""Prices in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils.translation import override

from billing.catalogue import PriceView
from billing.domain.rating import Tier
from portal import prices

pytestmark = pytest.mark.database_free


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with override("en"):
        yield


def price(
    unit: str | None = "analysis", exact: str = "500", plugin: str = "*", tiers: tuple[Tier, ...] = ()
) -> PriceView:
    return PriceView(plugin, unit, 0, Decimal(exact), "usd", "per_unit", tiers, Decimal(0))


def tier(up_to: str | None, amount: str, flat: str = "0") -> Tier:
    return Tier(Decimal(up_to) if up_to else None, Decimal(amount), Decimal(flat))


def test_a_price_below_a_cent_is_not_rounded() -> None:
    assert prices.lines(price(exact="0.5")) == ["0.005 USD"]
    assert prices.lines(price(exact="500")) == ["5.00 USD"]


def test_an_included_quota_and_what_comes_after_it_are_told() -> None:
    assert prices.lines(price(tiers=(tier("100", "0"), tier(None, "300")))) == [
        "up to 100: included",
        "beyond 100: 3.00 USD each",
    ]


def test_a_tier_with_an_entry_fee_tells_both() -> None:
    assert prices.lines(price(tiers=(tier(None, "2", "150"),))) == ["all: 1.50 USD + 0.02 USD each"]


def test_headings_name_the_unit_and_the_analysis_it_is_for() -> None:
    assert prices.heading(price("1k_chars"), "month") == "1,000 characters"
    assert prices.heading(price(plugin="digits"), "month") == "Analysis · Handwritten digit"
    assert prices.heading(price(plugin="gone-since"), "month") == "Analysis · gone-since"
    assert prices.heading(price(None), "year") == "Fee a year"
    assert prices.heading(price("pages"), "month") == "pages"


def test_the_same_in_chinese() -> None:
    with override("zh-hans"):
        assert prices.lines(price(tiers=(tier("100", "0"), tier(None, "300")))) == [
            "100 以内: 已包含",
            "超过 100: 每次 3.00 USD",
        ]
