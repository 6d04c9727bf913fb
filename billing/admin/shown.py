"""How the admin writes money: in the currency's own units, with its name. 1234 usd are 12.34 USD."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from unfold.decorators import display

from billing.domain.money import MINOR_DIGITS, exact_arithmetic, in_major_units, plain

NO_BREAK = "\u00a0"


def money(amount: Decimal | int | None, currency: str) -> str:
    """Minor units as people write them; parts of one as far as they go; a dash for none."""
    if amount is None:
        return "–"
    digits = MINOR_DIGITS.get(currency.lower(), 2)
    with exact_arithmetic():
        whole = amount == int(amount)
        shown = in_major_units(int(amount), currency) if whole else plain(Decimal(amount).scaleb(-digits))
    return f"{shown:,f}{NO_BREAK}{currency.upper()}"


def number(quantity: Decimal | None) -> str:
    """Units without trailing zeros; a dash for none."""
    return "–" if quantity is None else f"{plain(quantity):,f}"


def amount_of(field: str, label: str, *, currency: str = "currency") -> Callable[[Any], str]:
    """A column, or a field of a page, that shows the minor units in `field`. `currency` may lead over relations."""

    @display(description=label)  # type: ignore[untyped-decorator]
    def column(row: Any) -> str:
        return money(getattr(row, field), _follow(row, currency))

    column.__name__ = f"shown_{field}"
    return column  # type: ignore[no-any-return]


def quantity_of(field: str, label: str) -> Callable[[Any], str]:
    """A column, or a field of a page, that shows the units in `field` without trailing zeros."""

    @display(description=label)  # type: ignore[untyped-decorator]
    def column(row: Any) -> str:
        return number(getattr(row, field))

    column.__name__ = f"shown_{field}"
    return column  # type: ignore[no-any-return]


def _follow(row: Any, path: str) -> str:
    for name in path.split("__"):
        row = getattr(row, name)
    return str(row)
