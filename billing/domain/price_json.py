"""Prices as JSON: how tiers are stored, and how an operator writes a whole price. Errors begin with the place."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from billing.domain.money import ZERO
from billing.domain.rating import TIERED, InvalidPrice, PriceModel, PriceRule, Tier, check

TIER_KEYS = ("up_to", "unit_amount", "flat_amount")
AMOUNT_KEYS = {
    PriceModel.FLAT: ("amount", "unit_amount", "flat_amount"),
    PriceModel.PER_UNIT: ("unit_amount", "amount"),
    PriceModel.PACKAGE: ("unit_amount", "amount"),
}
"""Names of the one amount; exactly one of them is given."""
PACKAGE_KEYS = ("package_size", "free_units")


def rule_from_json(data: Any) -> PriceRule:
    """A sound price: `{"model": "per_unit", "unit_amount": "2.5"}`, or with `tiers`, or with `package_size`.

    `unit_amount` of a package is the price of one package. Raises `InvalidPrice` where `check` would, too.
    """
    _check_object("the price", data)
    model = _model(data.get("model"))
    tiered, packed = model in TIERED, model == PriceModel.PACKAGE
    keys = ("tiers",) if tiered else AMOUNT_KEYS[model]
    _check_keys(f"a {model} price", data, ("model", *keys, *(PACKAGE_KEYS if packed else ())))
    rule = PriceRule(
        model,
        ZERO if tiered else _amount(data, keys),
        tiers_from_json(data.get("tiers")) if tiered else (),
        number(_required(data, "package_size"), "package_size") if packed else ZERO,
        number(data.get("free_units", 0), "free_units") if packed else ZERO,
    )
    check(rule)
    return rule


def tiers_from_json(rows: Any) -> tuple[Tier, ...]:
    """Tiers as stored: `[{"up_to": "10" | null, "unit_amount": "2.5", "flat_amount": "0"}]`. Raises `InvalidPrice`."""
    if not isinstance(rows, (list, tuple)):
        raise InvalidPrice("tiers: a list is needed")
    return tuple(_tier(f"tiers[{place}]", row) for place, row in enumerate(rows))


def _tier(place: str, row: Any) -> Tier:
    _check_object(place, row)
    _check_keys(place, row, TIER_KEYS)
    return Tier(
        None if row.get("up_to") is None else number(row["up_to"], f"{place}.up_to"),
        number(row.get("unit_amount", 0), f"{place}.unit_amount"),
        number(row.get("flat_amount", 0), f"{place}.flat_amount"),
    )


def number(value: object, place: str = "") -> Decimal:
    """A decimal from text or a whole number; a float is refused, for it may already have lost the digit that counts."""
    where = f"{place}: " if place else ""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise InvalidPrice(f"{where}write the number as text: {value!r}")
    try:
        found = Decimal(value)
    except ArithmeticError as error:
        raise InvalidPrice(f"{where}not a number: {value!r}") from error
    if not found.is_finite():
        raise InvalidPrice(f"{where}not a number: {value!r}")
    return found


def _model(value: object) -> PriceModel:
    known = [model.value for model in PriceModel]
    if value not in known:
        raise InvalidPrice(f"model: one of {', '.join(known)} is needed")
    return PriceModel(str(value))


def _amount(data: dict[str, Any], names: Collection[str]) -> Decimal:
    given = [name for name in names if name in data]
    if len(given) != 1:
        raise InvalidPrice(f"{data['model']}: exactly one of {', '.join(names)} is needed")
    return number(data[given[0]], given[0])


def _required(data: dict[str, Any], name: str) -> Any:
    if name not in data:
        raise InvalidPrice(f"{name}: is missing")
    return data[name]


def _check_object(place: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise InvalidPrice(f"{place}: an object is needed")


def _check_keys(place: str, row: dict[str, Any], known: Collection[str]) -> None:
    unknown = [str(key) for key in row if key not in known]
    if unknown:
        raise InvalidPrice(f"{place}: unknown {', '.join(unknown)}; known are {', '.join(known)}")
