"""Rounding and exactness."""

from __future__ import annotations

from decimal import Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain import money

exact = st.decimals(min_value="-1e12", max_value="1e12", places=18, allow_nan=False)


@pytest.mark.parametrize(
    ("amount", "minor_units"),
    [("0.5", 1), ("0.499999999999999999", 0), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("7", 7)],
)
def test_a_half_is_rounded_away_from_zero(amount: str, minor_units: int) -> None:
    assert money.round_half_up(Decimal(amount)) == minor_units


@given(exact)
def test_a_credit_is_rounded_like_its_charge(amount: Decimal) -> None:
    assert money.round_half_up(-amount) == -money.round_half_up(amount)


@given(st.lists(exact, max_size=50), st.randoms())
def test_a_sum_does_not_depend_on_the_order(amounts: list[Decimal], random: object) -> None:
    shuffled = sorted(amounts, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert money.total(amounts) == money.total(shuffled)


def test_a_sum_keeps_digits_that_the_default_precision_would_drop() -> None:
    small, large = Decimal("1E-18"), Decimal(10**19)
    assert sum([small, large], Decimal(0)) == large
    assert money.total([small, large]) != large


def test_losing_a_digit_is_an_error() -> None:
    with money.exact_arithmetic(), pytest.raises(Inexact):
        Decimal(1) / Decimal(3)


@given(exact)
def test_the_plain_form_is_the_same_number(amount: Decimal) -> None:
    assert money.plain(amount) == amount


@pytest.mark.parametrize(("stored", "shown"), [("1.000000", "1"), ("0E-18", "0"), ("100", "100"), ("0.250000", "0.25")])
def test_the_plain_form_has_no_trailing_zeros(stored: str, shown: str) -> None:
    assert str(money.plain(Decimal(stored))) == shown


@pytest.mark.parametrize(
    ("currency", "shown"), [("usd", "5.00"), ("jpy", "500"), ("kwd", "0.500"), ("xof", "500"), ("iqd", "0.500")]
)
def test_minor_units_depend_on_the_currency(currency: str, shown: str) -> None:
    assert str(money.in_major_units(500, currency)) == shown
