"""The operator's price simulator, by its command."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.database_free
LADDER = [
    {"up_to": 10, "unit_amount": "10", "flat_amount": "2"},
    {"up_to": None, "unit_amount": "12", "flat_amount": "1"},
]


def printed(price: object, quantity: str, *arguments: str) -> str:
    answer = StringIO()
    text = price if isinstance(price, str) else json.dumps(price)
    call_command("billing", "rate", f"--price={text}", f"--quantity={quantity}", *arguments, stdout=answer)
    return answer.getvalue()


def rated(price: object, quantity: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(price, quantity, "--json"))
    return found


def test_a_graduated_price_is_told_tier_by_tier() -> None:
    assert rated({"model": "graduated", "tiers": LADDER}, "15") == {
        "amount": "163",
        "rounded": 163,
        "model": "graduated",
        "quantity": "15",
        "breakdown": [
            {
                "above": "0", "up_to": "10", "quantity": "10",
                "unit_amount": "10", "flat_amount": "2", "amount": "102",
            },
            {
                "above": "10", "up_to": None, "quantity": "5",
                "unit_amount": "12", "flat_amount": "1", "amount": "61",
            },
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("price", "quantity", "amount", "rounded"),
    [
        ({"model": "flat", "amount": "500"}, "0.000001", "500", 500),
        ({"model": "per_unit", "unit_amount": "2.50"}, "3", "7.5", 8),
        ({"model": "per_unit", "unit_amount": "0.000000000001"}, "0.000001", "0.000000000000000001", 0),
        ({"model": "per_unit", "unit_amount": "100"}, "999999999999", "99999999999900", 99999999999900),
        ({"model": "volume", "tiers": LADDER}, "10", "102", 102),
        ({"model": "volume", "tiers": LADDER}, "11.5", "139", 139),
        ({"model": "package", "unit_amount": "500", "package_size": 100}, "100", "500", 500),
        ({"model": "package", "unit_amount": "500", "package_size": 100}, "100.000001", "1000", 1000),
        ({"model": "package", "unit_amount": "500", "package_size": 100, "free_units": 5}, "105", "500", 500),
        ({"model": "package", "unit_amount": "500", "package_size": 100, "free_units": 5}, "5", "0", 0),
    ],
)
def test_each_model_has_its_price(price: object, quantity: str, amount: str, rounded: int) -> None:
    answer = rated(price, quantity)
    assert (answer["amount"], answer["rounded"]) == (amount, rounded)


@pytest.mark.parametrize(
    "price",
    [
        {"model": "flat", "amount": "500"},
        {"model": "graduated", "tiers": LADDER},
        {"model": "volume", "tiers": LADDER},
        {"model": "package", "unit_amount": "500", "package_size": 1},
    ],
)
def test_a_quantity_of_zero_costs_nothing(price: object) -> None:
    answer = rated(price, "0")
    assert (answer["amount"], answer["rounded"], answer["breakdown"]) == ("0", 0, [])


def test_packages_are_counted_in_the_breakdown() -> None:
    price = {"model": "package", "unit_amount": "500", "package_size": 100, "free_units": 10}
    free, charged = rated(price, "215.5")["breakdown"]
    assert (free["quantity"], free["packages"], free["amount"]) == ("10", "0", "0")
    assert (charged["quantity"], charged["packages"], charged["amount"]) == ("205.5", "3", "1500")
    assert "above 10: 205.5 units, 0 + 3 packages x 500 = 1500" in printed(price, "215.5")


@pytest.mark.parametrize(
    ("price", "quantity", "reason"),
    [
        ("{", "1", "the price is not JSON"),
        ("[" * 100_000, "1", "the price is not JSON"),
        ({"model": "per_unit", "unit_amount": 0.1}, "1", "unit_amount: write the number as text: 0.1"),
        ({"model": "per_unit", "unit_amount": "1"}, "ten", "quantity: not a number: 'ten'"),
        ({"model": "per_unit", "unit_amount": "1"}, "-1", "quantity: must be from 0"),
        ({"model": "per_unit", "unit_amount": "1"}, "1e12", "quantity: must be from 0"),
        ({"model": "per_unit", "unit_amount": "1"}, "0.0000001", "quantity: can have 6 digits"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(price: object, quantity: str, reason: str) -> None:
    with pytest.raises(CommandError, match=f"^{reason}") as refusal:
        printed(price, quantity, "--json")
    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)


def test_the_rule_at_zero_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("billing", "rate", "--help")
    assert "A quantity of zero costs nothing in every model" in " ".join(capsys.readouterr().out.split())
