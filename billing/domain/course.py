"""The course of a subscription: what happens to it by itself, when, and in which order. Pure.

At a moment at which several things are due, a trial ends first; then the period ends, and with it a subscription that
was canceled, or else a planned change of plan takes place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing.domain.periods import Interval, Period, period_at


class Kind(StrEnum):
    """Whether the fee is due; the same values as `models.PhaseKind`."""

    TRIAL = "trial"
    CHARGED = "charged"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A plan version by its id, and how long its periods are."""

    version: UUID
    interval: Interval


@dataclass(frozen=True, slots=True)
class Course:
    """Where a subscription stands. `planned` takes the place of `agreement` at the end of the period."""

    agreement: Agreement
    kind: Kind
    anchor: datetime
    zone: str
    period: Period
    planned: Agreement | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None


def due_at(course: Course) -> datetime | None:
    """When something happens next by itself; None where nothing ever does."""
    if course.ended_at is not None:
        return None
    trial_end = course.trial_end if course.kind == Kind.TRIAL else None
    return min((moment for moment in (course.period.end, trial_end) if moment is not None), default=None)


def steps(course: Course, until: datetime) -> Iterator[tuple[datetime, Course]]:
    """What happens up to and at `until`, oldest first: when, and how the subscription stands afterwards."""
    while (at := due_at(course)) is not None and at <= until:
        course = step(course)
        yield at, course


def step(course: Course) -> Course:
    """After the next thing that happens by itself. Raises `ValueError` where nothing ever does."""
    at = due_at(course)
    if at is None:
        raise ValueError("nothing is due")
    if course.kind == Kind.TRIAL and course.trial_end == at:
        return replace(course, kind=Kind.CHARGED)
    if course.cancel_at is not None and course.cancel_at <= at:
        return replace(course, ended_at=at)
    if course.planned is not None:
        course = changed(course, course.planned, at)
    return replace(course, period=period_at(course.anchor, course.agreement.interval, at, course.zone))


def at_moment(course: Course, moment: datetime) -> Course:
    """How the subscription stands at a moment; never earlier than it stood."""
    for _at, later in steps(course, moment):
        course = later
    return course


def changed(course: Course, agreement: Agreement, at: datetime) -> Course:
    """After a change of plan at `at`: the same periods, or a new grid where they have another length.

    A pause lasts, a trial lasts until its day, whatever the plan.
    """
    kind = resumed(course, at) if course.kind != Kind.PAUSED else Kind.PAUSED
    if agreement.interval == course.agreement.interval:
        return replace(course, agreement=agreement, kind=kind, planned=None)
    period = period_at(at, agreement.interval, at, course.zone)
    return replace(course, agreement=agreement, kind=kind, planned=None, anchor=at, period=period)


def resumed(course: Course, at: datetime) -> Kind:
    """What a subscription that is not paused is at `at`: on trial while that lasts, else charged."""
    return Kind.TRIAL if course.trial_end is not None and at < course.trial_end else Kind.CHARGED


@dataclass(frozen=True, slots=True)
class Run:
    """The time in which periods are counted from one anchor; an `end` of None has not come yet."""

    anchor: datetime
    interval: Interval
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a `whole` period in which the subscription was there: all of it, unless it was cut."""

    whole: Period
    part: Period


def runs(spans: Iterable[tuple[Interval, datetime, datetime | None]]) -> list[Run]:
    """From phases in their order, as (interval, start, end): a new run begins where the interval changes."""
    found: list[Run] = []
    for interval, start, end in spans:
        if found and found[-1].interval == interval:
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(Run(start, interval, end))
    return found


def part_at(run: Run, zone: str, moment: datetime) -> Part:
    """The period of a run that contains `moment`, and how far the run goes along with it."""
    whole = period_at(run.anchor, run.interval, moment, zone)
    ends = [end for end in (whole.end, run.end) if end is not None]
    return Part(whole, Period(whole.start, min(ends, default=None)))


def ended_parts(grid: Iterable[Run], zone: str, since: datetime, until: datetime) -> Iterator[Part]:
    """The periods, oldest first, that begin at `since` or later and have ended, or were cut, at `until`."""
    for run in grid:
        if run.end is not None and run.end <= max(since, run.anchor):
            continue
        found = part_at(run, zone, max(since, run.anchor))
        while found.part.end is not None and found.part.end <= until:
            if found.part.start >= since:
                yield found
            if found.part.end == run.end:
                break
            found = part_at(run, zone, found.part.end)
