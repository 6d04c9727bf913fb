"""Money as people write it into a form: major units, with a point or a comma before the minor ones."""

from __future__ import annotations

import re

from billing.domain.money import MINOR_DIGITS
from tenants.errors import UserError

WRITTEN = re.compile(r"(\d{1,9})(?:[.,](\d{1,3}))?")


class InvalidAmount(UserError):
    """What was written is no amount of the currency."""

    code = "invalid_amount"
    template = "Write an amount in %(currency)s, for example %(example)s."


def minor_units(text: str, currency: str) -> int:
    """`12.5` usd are 1250, `500` jpy are 500. Raises `InvalidAmount`, also for digits that the currency has not."""
    digits = MINOR_DIGITS.get(currency.lower(), 2)
    found = WRITTEN.fullmatch(text.strip())
    if not found or not text.isascii() or len(found[2] or "") > digits:
        raise InvalidAmount(currency=currency.upper(), example="25.00" if digits else "2500")
    return int(found[1] + (found[2] or "").ljust(digits, "0"))


def optional_minor_units(text: str, currency: str) -> int | None:
    """Like `minor_units`; an empty field is None."""
    return minor_units(text, currency) if text.strip() else None


class InvalidNumber(UserError):
    """What was written is no whole number in the range."""

    code = "invalid_number"
    template = "Write a whole number from 1 to %(most)s."


def whole_number(text: str, most: int) -> int:
    """A number of things. Raises `InvalidNumber`."""
    written = text.strip()
    if not written.isascii() or not written.isdigit() or len(written) > len(str(most)) or not 1 <= int(written) <= most:
        raise InvalidNumber(most=most)
    return int(written)
