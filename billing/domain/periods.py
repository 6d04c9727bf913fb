"""Billing periods: half-open spans of UTC that partition time, counted from an anchor whose day is remembered."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Interval(StrEnum):
    """How long a period is; `NONE` is one period without an end."""

    NONE = "none"
    MONTH = "month"
    YEAR = "year"


MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """The moments from `start` on and before `end`; an `end` of None never comes."""

    start: datetime
    end: datetime | None

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


def period_at(anchor: datetime, interval: Interval, moment: datetime) -> Period:
    """The one period of the anchor's grid that contains `moment`."""
    if interval == Interval.NONE:
        return Period(anchor, None)
    step = MONTHS[interval]
    number = ((moment.year - anchor.year) * 12 + moment.month - anchor.month) // step
    if boundary(anchor, number * step) > moment:
        number -= 1
    return Period(boundary(anchor, number * step), boundary(anchor, (number + 1) * step))


def ended_periods(anchor: datetime, interval: Interval, since: datetime, until: datetime) -> Iterator[Period]:
    """The periods, oldest first, that begin at `since` or later and have ended at `until`."""
    period = period_at(anchor, interval, since)
    while period.end is not None and period.end <= until:
        if period.start >= since:
            yield period
        period = period_at(anchor, interval, period.end)


def boundary(anchor: datetime, months: int) -> datetime:
    """The anchor moved by whole months; a day the month lacks becomes its last: 31 January, 28 February, 31 March."""
    years, month = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, monthrange(year, month + 1)[1]))
