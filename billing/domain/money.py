"""Money: exact decimals inside, whole minor units outside, half up in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

ZERO = Decimal(0)
# 38 digits of amount and 24 of quantity fit; what does not is an error instead of a silent rounding
EXACT = Context(prec=80, rounding=ROUND_HALF_UP, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
MINOR_DIGITS = {
    **dict.fromkeys(
        (
            "bif",
            "clp",
            "djf",
            "gnf",
            "isk",
            "jpy",
            "kmf",
            "krw",
            "pyg",
            "rwf",
            "ugx",
            "uyi",
            "vnd",
            "vuv",
            "xaf",
            "xof",
            "xpf",
        ),
        0,
    ),
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
}
"""Digits after the point, by ISO 4217, where they are not 2."""


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Decimal arithmetic that raises `decimal.Inexact` where a digit would be lost."""
    with localcontext(EXACT):
        yield


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with exact_arithmetic():
        return sum(amounts, ZERO)


def round_half_up(exact: Decimal) -> int:
    """Exact minor units to whole ones; a half goes away from zero, so that a credit mirrors its charge."""
    return int(exact.to_integral_value(rounding=ROUND_HALF_UP))


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros: 1, not 1.000000; 100, not 1E+2."""
    with localcontext(EXACT):
        short = value.normalize()
        return short.quantize(Decimal(1)) if short.as_tuple().exponent > 0 else short  # type: ignore[operator]


def in_major_units(amount: int, currency: str) -> Decimal:
    """500 usd are 5.00, 500 jpy are 500."""
    return Decimal(amount).scaleb(-MINOR_DIGITS.get(currency.lower(), 2))
