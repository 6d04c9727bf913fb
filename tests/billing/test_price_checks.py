"""Which prices are sound, and how they are written as JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from billing.domain.price_json import rule_from_json, tiers_from_json
from billing.domain.rating import InvalidPrice, PriceModel, PriceRule, Tier, check, digits_of
from tests.billing.properties import rules

ONE, TEN = Decimal(1), Decimal(10)
OPEN = (Tier(None, ONE),)


@pytest.mark.parametrize("model", [PriceModel.GRADUATED, PriceModel.VOLUME])
@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (("10", "1"),),
        (("10", "1"), ("10", "2"), (None, "3")),
        (("20", "1"), ("10", "2"), (None, "3")),
        (("0", "1"), (None, "3")),
        ((None, "1"), (None, "3")),
        (("10", "-1"), (None, "3")),
        (("NaN", "1"), (None, "3")),
        (("10", "Infinity"), (None, "3")),
        (("0.0000001", "1"), (None, "3")),
        (("1e12", "1"), (None, "3")),
        ((None, "0.0000000000001"),),
        ((None, "1e-999999999"),),
        ((None, "0." + "3" * 100),),
        ((None, "1e20"),),
        ((None, "1e9999"),),
    ],
)
def test_tiers_that_leave_a_quantity_without_one_price_are_refused(
    tiers: tuple[tuple[str | None, str], ...], model: PriceModel
) -> None:
    rows = [{"up_to": up_to, "unit_amount": amount} for up_to, amount in tiers]
    with pytest.raises(InvalidPrice):
        check(PriceRule(model, tiers=tiers_from_json(rows)))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (PriceRule(PriceModel.PER_UNIT, -ONE), "must not be negative"),
        (PriceRule(PriceModel.PER_UNIT, Decimal("NaN")), "must be a number"),
        (PriceRule(PriceModel.PER_UNIT, ONE, OPEN), "only a graduated or a volume price has tiers"),
        (PriceRule(PriceModel.PACKAGE, ONE, OPEN, TEN), "only a graduated or a volume price has tiers"),
        (PriceRule(PriceModel.GRADUATED, ONE, OPEN), "a graduated price is told by its tiers alone"),
        (PriceRule(PriceModel.VOLUME, ONE, OPEN), "a volume price is told by its tiers alone"),
        (PriceRule(PriceModel.PACKAGE, ONE), "a package size must be above zero"),
        (PriceRule(PriceModel.PACKAGE, ONE, (), -ONE), "a package size must be a number and must not be negative"),
        (PriceRule(PriceModel.PACKAGE, ONE, (), Decimal("1e-7")), "6 digits"),
        (PriceRule(PriceModel.PACKAGE, ONE, (), TEN, -ONE), "the free units must be a number"),
        (PriceRule(PriceModel.PACKAGE, ONE, (), TEN, Decimal("1e-7")), "6 digits"),
        (PriceRule(PriceModel.FLAT, ONE, (), TEN), "only a package price"),
        (PriceRule(PriceModel.VOLUME, tiers=OPEN, free_units=ONE), "only a package price"),
    ],
)
def test_a_price_that_says_two_things_or_nonsense_is_refused(rule: PriceRule, reason: str) -> None:
    with pytest.raises(InvalidPrice, match=reason):
        check(rule)


@pytest.mark.parametrize(
    ("text", "digits"), [("1.50", 1), ("100", 0), ("0E-18", 0), ("1E+5", 0), ("0.000001", 6), ("1e-999999", 999_999)]
)
def test_trailing_zeros_are_no_digits(text: str, digits: int) -> None:
    assert digits_of(Decimal(text)) == digits


@given(rules)
def test_sound_prices_pass(rule: PriceRule) -> None:
    check(rule)


def as_json(rule: PriceRule) -> dict[str, Any]:
    if rule.tiers:
        names = ("up_to", "unit_amount", "flat_amount")
        rows = [{name: getattr(tier, name) for name in names} for tier in rule.tiers]
        return {"model": rule.model, "tiers": rows}
    package = {"package_size": rule.package_size, "free_units": rule.free_units} if rule.package_size else {}
    return {"model": rule.model, "unit_amount": rule.amount, **package}


@given(rules)
def test_a_price_comes_back_from_json_as_it_was(rule: PriceRule) -> None:
    assert rule_from_json(json.loads(json.dumps(as_json(rule), default=str))) == rule


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"model": "flat", "amount": 5}, PriceRule(PriceModel.FLAT, Decimal(5))),
        ({"model": "flat", "unit_amount": "5"}, PriceRule(PriceModel.FLAT, Decimal(5))),
        ({"model": "flat", "flat_amount": "5"}, PriceRule(PriceModel.FLAT, Decimal(5))),
        ({"model": "per_unit", "unit_amount": "2.5"}, PriceRule(PriceModel.PER_UNIT, Decimal("2.5"))),
        ({"model": "per_unit", "amount": "2.5"}, PriceRule(PriceModel.PER_UNIT, Decimal("2.5"))),
        (
            {"model": "package", "unit_amount": "500", "package_size": 10},
            PriceRule(PriceModel.PACKAGE, Decimal(500), (), TEN),
        ),
        (
            {"model": "volume", "tiers": [{"up_to": 10, "unit_amount": 1}, {"flat_amount": "2"}]},
            PriceRule(PriceModel.VOLUME, tiers=(Tier(TEN, ONE), Tier(None, Decimal(0), Decimal(2)))),
        ),
    ],
)
def test_a_price_may_be_written_with_whole_numbers_or_text(data: dict[str, Any], rule: PriceRule) -> None:
    assert rule_from_json(data) == rule


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "the price: an object is needed"),
        ({}, "model: one of flat, per_unit, graduated, volume, package is needed"),
        ({"model": ["flat"]}, "model: one of"),
        ({"model": "flat"}, "flat: exactly one of amount, unit_amount, flat_amount is needed"),
        ({"model": "flat", "amount": 1, "unit_amount": 1}, "flat: exactly one of"),
        ({"model": "per_unit", "unit_amount": 2.5}, "unit_amount: write the number as text: 2.5"),
        ({"model": "per_unit", "unit_amount": True}, "unit_amount: write the number as text: True"),
        ({"model": "per_unit", "unit_amount": None}, "unit_amount: write the number as text: None"),
        ({"model": "per_unit", "unit_amount": "ten"}, "unit_amount: not a number: 'ten'"),
        ({"model": "per_unit", "unit_amount": "NaN"}, "unit_amount: not a number: 'NaN'"),
        ({"model": "per_unit", "unit_amount": "1", "tiers": []}, "a per_unit price: unknown tiers"),
        ({"model": "package", "unit_amount": "1"}, "package_size: is missing"),
        ({"model": "package", "unit_amount": "1", "package_size": 0}, "a package size must be above zero"),
        ({"model": "graduated"}, "tiers: a list is needed"),
        ({"model": "graduated", "tiers": ["10"]}, r"tiers\[0\]: an object is needed"),
        ({"model": "volume", "tiers": [{"upto": 1}]}, r"tiers\[0\]: unknown upto; known are up_to"),
        (
            {"model": "volume", "tiers": [{"up_to": 1}, {"unit_amount": 0.1}]},
            r"tiers\[1\].unit_amount: write the number as text: 0.1",
        ),
        ({"model": "graduated", "tiers": [{"up_to": 1}]}, "the last tier must be open"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data: Any, reason: str) -> None:
    with pytest.raises(InvalidPrice, match=f"^{reason}"):
        rule_from_json(data)
