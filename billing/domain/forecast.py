"""Forecast: what a period will have cost at its end if use goes on as it did. Pure; exact minor units.

The rule is a straight line: a quantity grows in proportion to the part of the period that has passed. What is finished
keeps its quotes; only the units still to come are rated, at the places of the ladder that they would take. A period's
first day counts as passed from its beginning: a forecast from a few minutes would be a wild one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.domain.money import ZERO, exact_arithmetic
from billing.domain.periods import Period
from billing.domain.quoting import marginal_beyond
from billing.domain.rating import QUANTITY_DIGITS, PriceRule

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Finished work of one pool at one price: `used` units after `base` of earlier phases, quoted `quoted` in all.

    `included` come free before the ladder. `whole_units`: half an analysis is none.
    """

    rule: PriceRule
    used: Decimal
    quoted: Decimal
    base: Decimal = ZERO
    included: Decimal = ZERO
    whole_units: bool = False


def used_at_end(use: PoolUse, period: Period, now: datetime) -> Decimal:
    """The units that the pool will have used when the period ends, half up; never less than it has used.

    Raises `ValueError` for a period without an end.
    """
    if period.end is None:
        raise ValueError("a period without an end has no forecast")
    whole = (period.end - period.start) // SECOND
    passed = min(whole, max((now - period.start) // SECOND, DAY // SECOND))
    with exact_arithmetic():
        reached = _straight_line(use.base + use.used, whole, passed, 0 if use.whole_units else QUANTITY_DIGITS)
        return max(use.used, reached - use.base)


def cost_at_end(use: PoolUse, quantity: Decimal) -> Decimal:
    """What the pool will have cost at `quantity` units: the quotes given, and the ladder's price of the units to come.

    Like an invoice, never more than the ladder's price of all of them in one go.
    """
    with exact_arithmetic():
        more = marginal_beyond(use.rule, use.base + use.used, quantity - use.used, use.included)
        ceiling = marginal_beyond(use.rule, use.base, quantity, use.included)
        return min(use.quoted + max(ZERO, more), max(ceiling, ZERO))


def _straight_line(total: Decimal, whole: int, passed: int, digits: int) -> Decimal:
    quotient, rest = divmod((total * whole).scaleb(digits), passed)
    return (quotient + (1 if rest * 2 >= passed else 0)).scaleb(-digits)
