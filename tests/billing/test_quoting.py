"""Quotes of two places: what binds at submit, and that no cheap tier is had by work that ends in nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.money import exact_arithmetic
from billing.domain.quoting import marginal_beyond, quote, rate_beyond
from billing.domain.rating import PriceModel, PriceRule, Tier, marginal, rate
from tests.billing.properties import fractions, refuted, rules

ZERO, ONE = Decimal(0), Decimal(1)
CHEAPER = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(2), Decimal(10)), Tier(None, Decimal(5))))
DEARER = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(2), ZERO), Tier(None, Decimal(100))))
FLAT = PriceRule(PriceModel.FLAT, Decimal(70))
Quote = Callable[[PriceRule, Decimal, Decimal, Decimal], Decimal]


def of(rule: PriceRule, used: int, reserved: int, quantity: int = 1, included: int = 0) -> Decimal:
    return quote(rule, Decimal(used), Decimal(reserved), Decimal(quantity), Decimal(included))


def test_a_cheap_tier_is_not_reached_by_work_under_way() -> None:
    assert (of(CHEAPER, 0, 2), of(CHEAPER, 2, 0)) == (10, 5)


def test_a_dear_tier_is_reached_by_work_under_way() -> None:
    assert (of(DEARER, 0, 1), of(DEARER, 0, 2), of(DEARER, 2, 0)) == (0, 100, 100)


def test_a_flat_price_is_quoted_until_work_has_been_finished() -> None:
    assert (of(FLAT, 0, 0), of(FLAT, 0, 5), of(FLAT, 1, 5)) == (70, 70, 0)


def test_a_volume_price_that_drops_is_quoted_as_nothing() -> None:
    volume = PriceRule(PriceModel.VOLUME, tiers=(Tier(Decimal(10), Decimal(10)), Tier(None, Decimal(5))))
    assert (of(volume, 10, 0), of(volume, 9, 1), of(volume, 11, 0)) == (0, 10, 5)


def test_units_of_add_ons_come_before_the_ladder() -> None:
    assert [of(CHEAPER, used, 0, included=3) for used in range(7)] == [0, 0, 0, 10, 10, 5, 5]
    assert of(CHEAPER, 2, 0, quantity=2, included=3) == 10
    assert [rate_beyond(FLAT, Decimal(units), Decimal(3)) for units in (0, 3, 4)] == [0, 0, 70]


@given(rules, fractions, fractions, fractions, fractions)
def test_a_quote_is_the_dearer_of_both_places_and_never_negative(
    rule: PriceRule, used: Decimal, reserved: Decimal, quantity: Decimal, included: Decimal
) -> None:
    found = quote(rule, used, reserved, quantity, included)
    places = [marginal_beyond(rule, place, quantity, included) for place in (used, used + reserved)]
    assert found in (*places, 0)
    assert found >= max(*places, ZERO)


@given(rules, fractions, fractions)
def test_without_add_ons_and_work_under_way_the_quote_is_the_price_of_the_place(
    rule: PriceRule, used: Decimal, quantity: Decimal
) -> None:
    assert quote(rule, used, ZERO, quantity) == max(ZERO, marginal(rule, used, quantity))


def test_a_negative_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        of(FLAT, 1, -1)


prices = st.integers(1, 9).map(Decimal)
ladders = st.builds(
    lambda edge, low, high: PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(edge), low), Tier(None, high))),
    st.integers(1, 3), prices, prices,
)  # fmt: skip
steps = st.lists(st.tuples(st.sampled_from(["submit", "finish", "fail"]), st.integers(0, 3)), min_size=6, max_size=40)


def covers_the_price_list(rule: PriceRule, schedule: list[tuple[str, int]], quoted: Quote = quote) -> None:
    """Jobs of one unit, submitted and ended in any order: their quotes reach the price of what was finished.

    With the invoice's ceiling above them, exactly that price is charged.
    """
    under_way: list[Decimal] = []
    used = charged = ZERO
    with exact_arithmetic():
        for action, which in schedule:
            if action == "submit":
                under_way.append(quoted(rule, used, Decimal(len(under_way)), ONE))
            elif under_way:
                price = under_way.pop(which % len(under_way))
                used, charged = (used + 1, charged + price) if action == "finish" else (used, charged)
    assert charged >= rate(rule, used)


@given(ladders, steps)
def test_whatever_fails_the_finished_work_pays_the_price_list(rule: PriceRule, schedule: list[tuple[str, int]]) -> None:
    covers_the_price_list(rule, schedule)


def test_control_one_place_alone_lets_finished_work_pay_less_than_the_price_list() -> None:
    behind_all: Quote = lambda rule, used, held, units: marginal(rule, used + held, units)  # noqa: E731
    behind_finished: Quote = lambda rule, used, _, units: marginal(rule, used, units)  # noqa: E731
    for one_place in (behind_all, behind_finished):
        assert refuted(lambda rule, plan, by=one_place: covers_the_price_list(rule, plan, by), ladders, steps)
