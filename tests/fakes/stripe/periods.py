"""Billing periods of a subscription: whole months from an anchor, which is remembered over short months. UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.fakes.stripe.state import Json


def period_end(anchor: int, start: int, recurring: Json) -> int:
    """The first boundary after `start`; boundaries are whole intervals from `anchor`, before it and after it."""
    if anchor > start:
        return anchor
    return next(end for steps in count(1) if (end := boundary(anchor, steps, recurring)) > start)


def boundary(anchor: int, steps: int, recurring: Json) -> int:
    """The end of the period number `steps` from the anchor."""
    first = datetime.fromtimestamp(anchor, UTC)
    many = steps * recurring["interval_count"]
    match recurring["interval"]:
        case "day":
            return int((first + timedelta(days=many)).timestamp())
        case "week":
            return int((first + timedelta(weeks=many)).timestamp())
        case "year":
            many *= 12
    year, month = divmod(first.year * 12 + first.month - 1 + many, 12)
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    return int(first.replace(year=year, month=month + 1, day=day).timestamp())


def iso(at: int) -> str:
    """A time as v2 writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
