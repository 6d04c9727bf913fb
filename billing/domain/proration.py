"""Proration: the share of a period's fee that a part of the period costs, by the second.

A share of seconds need not be a finite decimal. So what has accrued from the period's start is rounded, half up, to 12
digits after the point, and a part costs what has accrued at its end less what had accrued at its start. Adjacent parts
sum to the fee to the last digit, however the period is cut; rounding each part alone would not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from billing.domain.money import ZERO, exact_arithmetic
from billing.domain.periods import Period
from billing.domain.rating import AMOUNT_DIGITS

SECOND = timedelta(seconds=1)


def prorated(amount: Decimal, part: Period, whole: Period) -> Decimal:
    """What `part` costs where `whole` costs `amount` minor units; a part of no seconds costs nothing.

    Moments count by the second that they lie in. Raises `ValueError` for a part that does not lie in the whole, and
    for a whole without an end or shorter than a second.
    """
    if part.end is None or whole.end is None:
        raise ValueError("a period without an end can not be divided")
    if not whole.start <= part.start <= part.end <= whole.end:
        raise ValueError("the part must lie in the whole")
    seconds = _seconds(whole.start, whole.end)
    if not seconds:
        raise ValueError("a period shorter than a second can not be divided")
    with exact_arithmetic():
        after = _accrued(amount, _seconds(whole.start, part.end), seconds)
        return after - _accrued(amount, _seconds(whole.start, part.start), seconds)


def _seconds(start: datetime, end: datetime) -> int:
    return (end.replace(microsecond=0) - start.replace(microsecond=0)) // SECOND


def _accrued(amount: Decimal, elapsed: int, seconds: int) -> Decimal:
    """`amount * elapsed / seconds`, rounded once; a half goes away from zero, so that a credit mirrors its charge."""
    if elapsed == seconds:
        return amount
    quotient, rest = divmod((abs(amount) * elapsed).scaleb(AMOUNT_DIGITS), seconds)
    rounded = quotient + (1 if rest * 2 >= seconds else 0)
    return (rounded if amount > ZERO else -rounded).scaleb(-AMOUNT_DIGITS)
