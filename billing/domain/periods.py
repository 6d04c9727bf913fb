"""Billing periods: half-open spans of UTC that partition time, counted from an anchor in the customer's time zone.

The anchor's local day and time of day are remembered: 31 January, 28 February, 31 March. A local time that a change
of the clocks skips is the first one after it; one that comes twice is the first.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo


class Interval(StrEnum):
    """How long a period is; `NONE` is one period without an end."""

    NONE = "none"
    MONTH = "month"
    YEAR = "year"


MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The moments from `start` on and before `end`; an `end` of None never comes."""

    start: datetime
    end: datetime | None

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


def period_at(anchor: datetime, interval: Interval, moment: datetime, zone: str = "UTC") -> Period:
    """The one period of the anchor's grid that contains `moment`; `zone` is an IANA name.

    Raises `zoneinfo.ZoneInfoNotFoundError` for a zone that does not exist.
    """
    if interval == Interval.NONE:
        return Period(anchor, None)
    step = MONTHS[interval]
    number = _months_between(anchor, moment, zone) // step
    # both ways: where clocks are set back over the end of a month, the month that they show is not enough
    while boundary(anchor, number * step, zone) > moment:
        number -= 1
    while boundary(anchor, (number + 1) * step, zone) <= moment:
        number += 1
    return Period(boundary(anchor, number * step, zone), boundary(anchor, (number + 1) * step, zone))


def ended_periods(
    anchor: datetime, interval: Interval, since: datetime, until: datetime, zone: str = "UTC"
) -> Iterator[Period]:
    """The periods, oldest first, that begin at `since` or later and have ended at `until`."""
    period = period_at(anchor, interval, since, zone)
    while period.end is not None and period.end <= until:
        if period.start >= since:
            yield period
        period = period_at(anchor, interval, period.end, zone)


def boundary(anchor: datetime, months: int, zone: str = "UTC") -> datetime:
    """The anchor moved by whole months of the zone's calendar, in UTC; a day the month lacks becomes its last."""
    if months == 0:
        return anchor.astimezone(UTC)
    local = anchor.astimezone(_zone(zone))
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    day = min(local.day, monthrange(year, month + 1)[1])
    return _first_instant(local.replace(year=year, month=month + 1, day=day))


def days_after(moment: datetime, days: int, zone: str = "UTC") -> datetime:
    """The moment moved by whole days of the zone's calendar, in UTC: the same time of day, if there is one."""
    if days == 0:
        return moment.astimezone(UTC)
    return _first_instant(moment.astimezone(_zone(zone)) + timedelta(days=days))


def _months_between(anchor: datetime, moment: datetime, zone: str) -> int:
    first, last = anchor.astimezone(_zone(zone)), moment.astimezone(_zone(zone))
    return (last.year - first.year) * 12 + last.month - first.month


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _first_instant(wanted: datetime) -> datetime:
    """The first moment, in UTC, at which the zone's clocks show `wanted` or, where they skip it, something later."""
    low, high = sorted(wanted.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if _shown(low, wanted) >= wanted.replace(tzinfo=None):
        return low
    # skipped: `low` is before the change and `high` after it; changes happen at whole seconds
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        if _shown(middle, wanted) >= wanted.replace(tzinfo=None):
            high = middle
        else:
            low = middle
    return high


def _shown(moment: datetime, wanted: datetime) -> datetime:
    """What the clocks of `wanted`'s zone show at a moment."""
    return moment.astimezone(wanted.tzinfo).replace(tzinfo=None, fold=0)
