"""The operator's price simulator: what a quantity costs by a price that need not be on offer. The code of the bill."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from billing.domain.money import plain, round_half_up
from billing.domain.price_json import number, rule_from_json
from billing.domain.rating import (
    LARGEST_QUANTITY,
    QUANTITY_DIGITS,
    InvalidPrice,
    TierPart,
    breakdown,
    digits_of,
    rate,
)

DESCRIPTION = """\
Print what a quantity costs, with its breakdown, by the code that makes the bill. Amounts are minor units (cents),
exact, and rounded half up to whole ones. A quantity of zero costs nothing in every model: no flat amount, no tier's
flat amount, no package."""
PRICE_HELP = """\
{"model": "flat", "amount": "500"};
{"model": "per_unit", "unit_amount": "2.5"};
{"model": "graduated" or "volume", "tiers": [{"up_to": 10, "unit_amount": "10", "flat_amount": "2"},
{"up_to": null, "unit_amount": "8"}]};
{"model": "package", "unit_amount": "500", "package_size": 100, "free_units": 0}, where unit_amount is the price of one
package. Numbers are whole or text. "amount" and "unit_amount" mean the same for flat (there "flat_amount" too),
per_unit and package."""


def simulate(price: str, quantity: str) -> dict[str, Any]:
    """The price of `quantity` by a price in JSON, all numbers as plain text. Raises `InvalidPrice` for wrong input."""
    rule, units = rule_from_json(_parsed(price)), _quantity(quantity)
    amount = rate(rule, units)
    return {
        "amount": _text(amount),
        "rounded": round_half_up(amount),
        "model": rule.model.value,
        "quantity": _text(units),
        "breakdown": [_row(part) for part in breakdown(rule, units)],
    }


def in_words(row: dict[str, Any]) -> str:
    """One row of the breakdown as a line of text."""
    span = f"above {row['above']}" + (f" up to {row['up_to']}" if row["up_to"] is not None else "")
    times = f"{row['packages']} packages" if "packages" in row else row["quantity"]
    return f"{span}: {row['quantity']} units, {row['flat_amount']} + {times} x {row['unit_amount']} = {row['amount']}"


def _parsed(price: str) -> Any:
    try:
        return json.loads(price)
    except (ValueError, RecursionError) as error:
        raise InvalidPrice(f"the price is not JSON: {error}") from error


def _quantity(text: str) -> Decimal:
    """What a row of usage can hold."""
    found = number(text, "quantity")
    if not 0 <= found < LARGEST_QUANTITY:
        raise InvalidPrice(f"quantity: must be from 0 to below {LARGEST_QUANTITY:f}")
    if digits_of(found) > QUANTITY_DIGITS:
        raise InvalidPrice(f"quantity: can have {QUANTITY_DIGITS} digits after the point")
    return found


def _row(part: TierPart) -> dict[str, Any]:
    row = {
        "above": _text(part.above),
        "up_to": None if part.up_to is None else _text(part.up_to),
        "quantity": _text(part.quantity),
        "unit_amount": _text(part.unit_amount),
        "flat_amount": _text(part.flat_amount),
        "amount": _text(part.amount),
    }
    return row if part.packages is None else {**row, "packages": _text(part.packages)}


def _text(value: Decimal) -> str:
    return f"{plain(value):f}"
