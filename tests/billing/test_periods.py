"""Periods partition time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.periods import Interval, Period, ended_periods, period_at

DAY_ONE = datetime(2019, 1, 1, tzinfo=UTC)
moments = st.integers(0, 14 * 366 * 86_400_000_000).map(
    lambda microseconds: DAY_ONE + timedelta(microseconds=microseconds)
)
late_days = st.builds(
    lambda year, month, day, second: datetime(year, month, 1, tzinfo=UTC) + timedelta(days=day, seconds=second),
    st.integers(2019, 2032), st.sampled_from([1, 2, 3, 12]), st.integers(27, 30), st.integers(0, 86399),
)  # fmt: skip
anchors = st.one_of(moments, late_days)
intervals = st.sampled_from([Interval.MONTH, Interval.YEAR])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(anchors, intervals, moments)
def test_every_moment_is_in_exactly_one_period(anchor: datetime, interval: Interval, moment: datetime) -> None:
    period = period_at(anchor, interval, moment)
    assert period.end is not None
    before = period_at(anchor, interval, period.start - timedelta(microseconds=1))
    after = period_at(anchor, interval, period.end)
    assert moment in period
    assert moment not in before
    assert moment not in after
    assert (before.end, after.start) == (period.start, period.end)


@given(anchors, intervals, moments)
def test_all_moments_of_a_period_name_the_same_period(anchor: datetime, interval: Interval, moment: datetime) -> None:
    period = period_at(anchor, interval, moment)
    assert period.end is not None
    assert period_at(anchor, interval, period.start) == period
    assert period_at(anchor, interval, period.end - timedelta(microseconds=1)) == period


@given(anchors, intervals)
def test_the_first_period_begins_at_the_anchor(anchor: datetime, interval: Interval) -> None:
    assert period_at(anchor, interval, anchor).start == anchor


@given(anchors, intervals, st.integers(0, 30))
def test_the_ended_periods_lie_end_to_end(anchor: datetime, interval: Interval, count: int) -> None:
    until = anchor
    for _ in range(count):
        end = period_at(anchor, interval, until).end
        assert end is not None
        until = end
    ended = list(ended_periods(anchor, interval, anchor, until))
    assert len(ended) == count
    assert [period.end for period in ended[:-1]] == [period.start for period in ended[1:]]


@pytest.mark.parametrize(
    ("anchor", "starts"),
    [
        ("2027-01-31T09:30", ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ("2028-01-30T00:00", ["2028-01-30", "2028-02-29", "2028-03-30", "2028-04-30"]),
        ("2027-12-29T23:59", ["2027-12-29", "2028-01-29", "2028-02-29", "2028-03-29"]),
    ],
)
def test_the_anchor_day_is_remembered_over_short_months(anchor: str, starts: list[str]) -> None:
    moment, found = utc(anchor), []
    for _ in starts:
        period = period_at(utc(anchor), Interval.MONTH, moment)
        assert period.end is not None
        found.append(period.start.date().isoformat())
        moment = period.end
    assert found == starts


def test_a_leap_day_comes_back_in_leap_years() -> None:
    anchor = utc("2028-02-29T12:00")
    ends = [period.end for period in ended_periods(anchor, Interval.YEAR, anchor, utc("2033-01-01T00:00"))]
    assert [end.date().isoformat() for end in ends if end] == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_without_an_interval_the_period_never_ends() -> None:
    anchor = utc("2027-01-31T00:00")
    period = period_at(anchor, Interval.NONE, utc("2077-01-01T00:00"))
    assert period == Period(anchor, None)
    assert utc("2999-01-01T00:00") in period
    assert list(ended_periods(anchor, Interval.NONE, anchor, utc("2999-01-01T00:00"))) == []
