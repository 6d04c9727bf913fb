"""Periods in the customer's time zone: over changed clocks, leap days and days that a month lacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain import periods
from billing.domain.periods import Interval, Period, boundary, ended_periods, period_at
from tests.billing.properties import refuted

ZONES = [
    "UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Apia", "Africa/Casablanca", "America/Asuncion", "Asia/Amman",
]  # fmt: skip
FIRST = datetime(2009, 1, 1, tzinfo=UTC)
SPAN = 20 * 366 * 86400
moments = st.integers(0, SPAN * 1_000_000).map(lambda microseconds: FIRST + timedelta(microseconds=microseconds))
"""So near to where the clocks change that skipped and doubled times come up."""
turns = st.builds(
    lambda zone, year, month, day, minute: datetime(year, month, day, 0, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC),
    st.sampled_from(ZONES), st.integers(2009, 2028), st.sampled_from([3, 4, 10, 11, 12]), st.integers(25, 30),
    st.integers(0, 59),
)  # fmt: skip
instants = st.one_of(moments, turns.map(lambda start: start + timedelta(hours=start.minute % 4)))
intervals = st.sampled_from([Interval.MONTH, Interval.YEAR])
zones = st.sampled_from(ZONES)
PeriodAt = Callable[[datetime, Interval, datetime, str], Period]


def lies_in_exactly_one(
    anchor: datetime, interval: Interval, moment: datetime, zone: str, at: PeriodAt = period_at
) -> None:
    period = at(anchor, interval, moment, zone)
    assert period.end is not None
    before = at(anchor, interval, period.start - timedelta(microseconds=1), zone)
    after = at(anchor, interval, period.end, zone)
    assert moment in period
    assert moment not in before
    assert moment not in after
    assert (before.end, after.start) == (period.start, period.end)


@given(instants, intervals, instants, zones)
def test_every_moment_is_in_exactly_one_period(
    anchor: datetime, interval: Interval, moment: datetime, zone: str
) -> None:
    lies_in_exactly_one(anchor, interval, moment, zone)


def from_its_own_start(anchor: datetime, interval: Interval, moment: datetime, zone: str) -> Period:
    """Broken: each period's end is counted from its own start, which forgets the anchor's day."""
    start = period_at(anchor, interval, moment, zone).start
    return Period(start, boundary(start, periods.MONTHS[interval], zone))


def by_the_month_shown(anchor: datetime, interval: Interval, moment: datetime, zone: str) -> Period:
    """Broken: the calendar of UTC tells the period of a local anchor."""
    shown = anchor.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return period_at(shown, interval, moment, "UTC") if moment.day < 15 else period_at(anchor, interval, moment, zone)


@pytest.mark.parametrize("broken", [from_its_own_start, by_the_month_shown])
def test_control_a_forgotten_day_or_zone_leaves_gaps_or_overlaps(broken: PeriodAt) -> None:
    assert refuted(lambda *case: lies_in_exactly_one(*case, broken), instants, intervals, instants, zones)


@given(instants, intervals, zones)
def test_the_first_period_begins_at_the_anchor(anchor: datetime, interval: Interval, zone: str) -> None:
    assert period_at(anchor, interval, anchor, zone).start == anchor


@given(instants, intervals, zones, st.integers(0, 30))
def test_the_local_time_of_day_is_remembered(anchor: datetime, interval: Interval, zone: str, count: int) -> None:
    """But where the clocks skip it."""
    local = anchor.astimezone(ZoneInfo(zone))
    moved = boundary(anchor, count * periods.MONTHS[interval], zone)
    assert moved.tzinfo is UTC
    shown = moved.astimezone(ZoneInfo(zone))
    if shown.time() != local.time():
        before = (moved - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
        assert before.utcoffset() != shown.utcoffset()


@pytest.mark.parametrize(
    ("zone", "anchor", "months", "expected"),
    [
        # 31 January, 28 February, 31 March, where the clocks have changed on 28 March
        ("Europe/Berlin", "2027-01-31T00:00", 1, "2027-02-28T00:00+01:00"),
        ("Europe/Berlin", "2027-01-31T00:00", 2, "2027-03-31T00:00+02:00"),
        # 02:30 is skipped: the first time that exists is 03:00
        ("Europe/Berlin", "2027-02-28T02:30", 1, "2027-03-28T03:00+02:00"),
        ("America/New_York", "2027-02-14T02:00:00.5", 1, "2027-03-14T03:00-04:00"),
        ("Australia/Lord_Howe", "2026-09-04T02:10", 1, "2026-10-04T02:30+11:00"),
        # 02:30 comes twice: the first
        ("Europe/Berlin", "2027-09-30T02:30", 1, "2027-10-30T02:30+02:00"),
        ("Europe/Berlin", "2027-07-31T02:30", 3, "2027-10-31T02:30+02:00"),
        ("America/New_York", "2027-10-07T01:15", 1, "2027-11-07T01:15-04:00"),
        # Samoa left out the whole of 30 December 2011
        ("Pacific/Apia", "2011-11-30T08:00", 1, "2011-12-31T00:00+14:00"),
        # leap days, in the zone's own calendar
        ("Asia/Shanghai", "2028-02-29T00:30", 12, "2029-02-28T00:30+08:00"),
        ("Asia/Shanghai", "2028-02-29T00:30", 48, "2032-02-29T00:30+08:00"),
        # backwards
        ("Europe/Berlin", "2027-03-31T12:00", -1, "2027-02-28T12:00+01:00"),
    ],
)
def test_boundaries_by_the_calendar_on_the_wall(zone: str, anchor: str, months: int, expected: str) -> None:
    local = datetime.fromisoformat(anchor).replace(tzinfo=ZoneInfo(zone))
    assert boundary(local.astimezone(UTC), months, zone) == datetime.fromisoformat(expected)


def test_the_first_of_the_month_is_that_of_the_zone() -> None:
    first = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)
    ended = ended_periods(first, Interval.MONTH, first, datetime(2027, 5, 31, 16, 0, tzinfo=UTC), "Asia/Shanghai")
    starts = [period.start.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat() for period in ended]
    assert starts == ["2027-02-01", "2027-03-01", "2027-04-01", "2027-05-01"]


def test_an_anchor_in_the_second_of_two_equal_hours_keeps_its_own_moment() -> None:
    second = datetime(2027, 10, 31, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert period_at(second, Interval.MONTH, second, "Europe/Berlin").start == second
    hour_before = period_at(second, Interval.MONTH, second - timedelta(hours=1), "Europe/Berlin")
    assert hour_before.end == second


def test_clocks_set_back_over_the_end_of_a_month_do_not_confuse_it() -> None:
    """At 00:01 on 1 November 2009 the clocks of St John's went back into October."""
    anchor = datetime(2009, 10, 1, 0, 0, 30, tzinfo=ZoneInfo("America/St_Johns")).astimezone(UTC)
    begun = boundary(anchor, 1, "America/St_Johns")
    later = begun + timedelta(minutes=15)
    assert later.astimezone(ZoneInfo("America/St_Johns")).month == 10
    assert period_at(anchor, Interval.MONTH, later, "America/St_Johns").start == begun
    lies_in_exactly_one(anchor, Interval.MONTH, later, "America/St_Johns")


def test_a_zone_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        boundary(FIRST, 1, "Europe/Atlantis")
