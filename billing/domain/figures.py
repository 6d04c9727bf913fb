"""Figures of the business: recurring fees and how they move, shares, costs, ages of debts. Exact and pure.

Recurring fees are added up as minor units a year, where monthly and yearly ones are both exact; a twelfth of the sum,
rounded once, is the monthly figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from billing.domain.money import ZERO, exact_arithmetic, total
from billing.domain.periods import Interval

TIMES_A_YEAR = {Interval.NONE: 0, Interval.MONTH: 12, Interval.YEAR: 1}
MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Recurring:
    """Fees of `annual` minor units a year that a customer owes from `starts` until `ends` (None: for now).

    A paused one is kept with nothing a year: its customer has not gone.
    """

    customer: UUID
    annual: Decimal
    starts: datetime
    ends: datetime | None

    def counts_at(self, moment: datetime) -> bool:
        """Half-open, like every span of time in billing."""
        return self.starts <= moment and (self.ends is None or moment < self.ends)


@dataclass(frozen=True, slots=True)
class Movement:
    """What changed between two moments, minor units a year, all from zero up; opening + new + expansion - contraction
    - churned = closing. A customer is new who had no subscription at the first moment and churned who has none at the
    second; who came and went in between is neither."""

    opening: Decimal
    new: Decimal
    expansion: Decimal
    contraction: Decimal
    churned: Decimal
    closing: Decimal
    customers_opening: int
    customers_new: int
    customers_churned: int
    customers_closing: int


class Age(StrEnum):
    """How many days after its day an invoice still waits; a day that has begun counts whole."""

    NOT_DUE = "not due"
    MONTH = "1-30"
    TWO_MONTHS = "31-60"
    THREE_MONTHS = "61-90"
    OLDER = "over 90"


def annual(fee: Decimal, interval: Interval, quantity: int = 1) -> Decimal:
    """Minor units a year; nothing for a plan without periods, whose fee does not recur."""
    with exact_arithmetic():
        return fee * quantity * TIMES_A_YEAR[interval]


def monthly(yearly: Decimal) -> int:
    """A twelfth in whole minor units, half up."""
    return ratio(yearly, Decimal(12))


def standing(fees: Iterable[Recurring], moment: datetime) -> dict[UUID, Decimal]:
    """Each customer of a moment with the minor units a year of his fees; nothing a year where only use is charged."""
    found: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    with exact_arithmetic():
        for each in fees:
            if each.counts_at(moment):
                found[each.customer] += each.annual
    return dict(found)


def movement(before: Mapping[UUID, Decimal], after: Mapping[UUID, Decimal]) -> Movement:
    """How one standing became the other."""
    new, gone, stayed = after.keys() - before.keys(), before.keys() - after.keys(), after.keys() & before.keys()
    with exact_arithmetic():
        steps = [after[each] - before[each] for each in stayed]
    return Movement(
        opening=total(before.values()),
        new=total(after[each] for each in new),
        expansion=total(step for step in steps if step > ZERO),
        contraction=total(-step for step in steps if step < ZERO),
        churned=total(before[each] for each in gone),
        closing=total(after.values()),
        customers_opening=len(before),
        customers_new=len(new),
        customers_churned=len(gone),
        customers_closing=len(after),
    )


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """The share in percent with two digits, half away from zero; None of nothing."""
    return Decimal(ratio(Decimal(part) * 10_000, Decimal(whole))).scaleb(-2) if whole else None


def compute_cost(milliseconds: int, per_hour: Decimal) -> int:
    """Whole minor units, half up."""
    with exact_arithmetic():
        return ratio(milliseconds * per_hour, Decimal(MS_PER_HOUR))


def ratio(numerator: Decimal, denominator: Decimal) -> int:
    """The quotient as a whole number, a half away from zero, without a quotient that would have been cut before."""
    with exact_arithmetic():
        quotient, rest = divmod(abs(numerator), abs(denominator))
        rounded = int(quotient) + (1 if rest * 2 >= abs(denominator) else 0)
    return rounded if (numerator < ZERO) == (denominator < ZERO) else -rounded


def age_bounds(now: datetime) -> list[tuple[datetime, Age]]:
    """The earliest due date of each age but the oldest, youngest first."""
    days = ((0, Age.NOT_DUE), (30, Age.MONTH), (60, Age.TWO_MONTHS), (90, Age.THREE_MONTHS))
    return [(now - timedelta(days=late), age) for late, age in days]


def months_before(first: datetime, count: int) -> list[datetime]:
    """The first moments of `count` months that end with the one of `first`, and of the one after it."""
    here = first.year * 12 + first.month - 1
    numbers = range(here - count + 1, here + 2)
    return [first.replace(year=number // 12, month=number % 12 + 1) for number in numbers]
