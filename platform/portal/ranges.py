"""The range of days that an export is about: the current period, or from one day to another, both of them included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.core.exceptions import BadRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from billing import clock, subscriptions
from billing.models import Subscription

FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Range:
    """The moments from `start` on and before `end`; `name` is a part of a file's name."""

    name: str
    start: datetime
    end: datetime


def asked(query: Mapping[str, str], subscription: Subscription | None) -> Range:
    """What the fields `from` and `to` say, days of the tenant's zone; else the current period, else all.

    Raises `BadRequest` for what is no day.
    """
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    if first is None and last is None and subscription is not None:
        period = subscriptions.period_of(subscription, clock.now())
        if period.end is not None:
            return Range(timezone.localtime(period.start).date().isoformat(), period.start, period.end)
    begin, end = first or FIRST, last or LAST
    return Range(f"{begin}-{end}" if first or last else "all", _midnight(begin), _midnight(end + timedelta(days=1)))


def offered() -> dict[str, str]:
    """What stands in the fields of a page at first: this month so far."""
    today = timezone.localtime(clock.now()).date()
    return {"first": today.replace(day=1).isoformat(), "last": today.isoformat()}


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not FIRST <= found <= LAST:
        raise BadRequest
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())
