from __future__ import annotations

import pytest

from portal.amounts import InvalidAmount, InvalidNumber, minor_units, optional_minor_units, whole_number

pytestmark = pytest.mark.database_free


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("25", "usd", 2500), ("25.5", "usd", 2550), ("25,05", "usd", 2505), (" 0.01 ", "usd", 1), ("500", "jpy", 500),
     ("1.234", "kwd", 1234), ("0", "usd", 0)],
)  # fmt: skip
def test_an_amount_is_read_in_major_units(text: str, currency: str, amount: int) -> None:
    assert minor_units(text, currency) == amount


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "1,000.00", "1.234", "NaN", "٣", "1 000", "0x10", "9999999999", "1.", ".5", "$5"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match=r"USD.*25\.00"):
        minor_units(text, "usd")


def test_a_currency_without_minor_units_takes_none() -> None:
    with pytest.raises(InvalidAmount, match=r"JPY.*2500"):
        minor_units("5.0", "jpy")


def test_an_empty_field_is_no_amount() -> None:
    assert optional_minor_units("  ", "usd") is None
    assert optional_minor_units("3", "usd") == 300


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.0", "²", "", "10000000000000000000"])
def test_a_number_of_things_is_whole_and_in_range(text: str) -> None:
    assert whole_number(" 1000 ", 1000) == 1000
    with pytest.raises(InvalidNumber):
        whole_number(text, 1000)
