"""What happens to a subscription by itself: when, in which order, however late it is looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.course import (
    Agreement,
    Course,
    Kind,
    at_moment,
    changed,
    due_at,
    ended_parts,
    part_at,
    runs,
    step,
    steps,
)
from billing.domain.periods import Interval, Period, period_at

pytestmark = pytest.mark.database_free
MONTHLY, OTHER = Agreement(UUID(int=1), Interval.MONTH), Agreement(UUID(int=2), Interval.MONTH)
YEARLY, ENDLESS = Agreement(UUID(int=3), Interval.YEAR), Agreement(UUID(int=4), Interval.NONE)
START = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]


def begun(agreement: Agreement = MONTHLY, zone: str = "UTC", at: datetime = START, **more: object) -> Course:
    period = period_at(at, agreement.interval, at, zone)
    return replace(Course(agreement, Kind.CHARGED, at, zone, period), **more)  # type: ignore[arg-type]


def test_nothing_ever_happens_to_a_plan_without_periods() -> None:
    course = begun(ENDLESS)
    assert due_at(course) is None
    assert at_moment(course, START + timedelta(days=99999)) == course
    with pytest.raises(ValueError, match="nothing"):
        step(course)


def test_the_anchors_day_is_remembered_over_a_leap_february() -> None:
    ends = [at.date().isoformat() for at, _ in steps(begun(), START + timedelta(days=130))]
    assert ends == ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]


def test_a_year_from_a_leap_day_ends_on_the_28th_and_the_4th_on_the_29th() -> None:
    course = begun(YEARLY, at=datetime(2028, 2, 29, tzinfo=UTC))
    ends = [at.date().isoformat() for at, _ in steps(course, datetime(2032, 3, 1, tzinfo=UTC))]
    assert ends == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_a_trial_ends_before_the_period_that_ends_with_it() -> None:
    end = begun().period.end
    course = begun(kind=Kind.TRIAL, trial_end=end, planned=OTHER)
    (at, first), (then, second) = steps(course, START + timedelta(days=40))
    assert (at, first.kind, first.agreement) == (end, Kind.CHARGED, MONTHLY)
    assert (then, second.agreement, second.period.start) == (end, OTHER, end)


def test_a_planned_end_wins_over_a_planned_change() -> None:
    course = begun(planned=OTHER, cancel_at=begun().period.end)
    ended = at_moment(course, START + timedelta(days=4000))
    assert (ended.ended_at, ended.agreement) == (course.cancel_at, MONTHLY)
    assert due_at(ended) is None


def test_a_planned_change_of_the_interval_begins_a_new_grid_at_the_periods_end() -> None:
    end = begun().period.end
    later = at_moment(begun(planned=YEARLY), START + timedelta(days=40))
    assert (later.anchor, later.period.start, later.agreement) == (end, end, YEARLY)
    assert later.period.end == datetime(2029, 2, 28, 9, 30, tzinfo=UTC)


def test_a_pause_and_a_trial_outlast_a_change_of_plan() -> None:
    day = START + timedelta(days=1)
    assert changed(begun(kind=Kind.PAUSED), OTHER, day).kind == Kind.PAUSED
    assert changed(begun(kind=Kind.TRIAL, trial_end=START + timedelta(days=2)), OTHER, day).kind == Kind.TRIAL
    assert changed(begun(kind=Kind.TRIAL), OTHER, day).kind == Kind.CHARGED


@given(
    st.sampled_from([MONTHLY, YEARLY]), st.sampled_from(ZONES), st.integers(0, 366 * 86400), st.integers(0, 120),
    st.sampled_from([None, OTHER, YEARLY]), st.lists(st.integers(0, 1200), max_size=6),
)  # fmt: skip
def test_looking_often_and_looking_late_come_to_the_same(
    agreement: Agreement, zone: str, second: int, trial: int, planned: Agreement | None, looks: list[int]
) -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    kind, trial_end = (Kind.TRIAL, at + timedelta(days=trial)) if trial else (Kind.CHARGED, None)
    course = begun(agreement, zone, at, kind=kind, trial_end=trial_end, planned=planned)
    end = at + timedelta(days=1200)
    often = course
    for days in sorted(looks):
        often = at_moment(often, at + timedelta(days=days))
    assert at_moment(often, end) == at_moment(course, end)


@given(
    st.sampled_from(ZONES), st.integers(0, 366 * 86400),
    st.lists(st.tuples(st.sampled_from([Interval.MONTH, Interval.YEAR]), st.integers(0, 500 * 86400)), min_size=1,
             max_size=5),
)  # fmt: skip
def test_the_periods_of_all_runs_partition_the_time_of_a_subscription(
    zone: str, second: int, phases: list[tuple[Interval, int]]
) -> None:
    at = start = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    spans: list[tuple[Interval, datetime, datetime | None]] = []
    for interval, seconds in phases:
        spans.append((interval, at, at + timedelta(seconds=seconds)))
        at += timedelta(seconds=seconds)
    parts = list(ended_parts(runs(spans), zone, start, at))
    bounds = [each.part for each in parts]
    assert all(one.end == two.start for one, two in pairwise(bounds))
    assert all(each.whole.start == each.part.start for each in parts)
    if start < at:
        assert (bounds[0].start, bounds[-1].end) == (start, at)


def test_a_part_is_cut_where_its_run_ends() -> None:
    cut = START + timedelta(days=3)
    (run,) = runs([(Interval.MONTH, START, cut)])
    found = part_at(run, "UTC", START)
    assert found.part == Period(START, cut)
    assert found.whole.end == datetime(2028, 2, 29, 9, 30, tzinfo=UTC)
