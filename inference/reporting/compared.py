"""The part of a report that sets the findings beside those of an earlier study."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from inference import notes
from inference.domain.advice import Change, Comparison
from inference.reporting import figures

UNITS = {"volume_mm3": "mm³", "mean_diameter_mm": "mm", "area_mm2": "mm²"}
MEASURES = {
    "volume_mm3": gettext_noop("volume"),
    "mean_diameter_mm": gettext_noop("mean diameter"),
    "area_mm2": gettext_noop("area"),
}

# of what has grown or shrunk, the figure says it
COURSES = {
    "new": gettext_noop("not there before"),
    "gone": gettext_noop("no longer there"),
    "unchanged": gettext_noop("unchanged within the error of measurement"),
    "not_measured": gettext_noop("growth not measurable"),
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One lesion: its numbers now and before, both values, and what became of it."""

    now: str
    before: str
    measure: str
    value_now: str
    value_before: str
    change: str
    doubling: str


@dataclass(frozen=True, slots=True)
class ComparisonPart:
    """The earlier study in one sentence, the lesions, and remarks."""

    prior: str
    changes: tuple[ChangeRow, ...]
    notes: tuple[str, ...]


def comparison_part(comparison: Comparison | None) -> ComparisonPart | None:
    if comparison is None:
        return None
    return ComparisonPart(
        prior=prior_of(comparison),
        changes=tuple(change_row(one) for one in comparison.changes),
        notes=tuple(notes.told(one) for one in comparison.notes),
    )


def prior_of(comparison: Comparison) -> str:
    """The earlier study: its date, how long ago, its job."""
    taken, days = comparison.prior_taken_at, comparison.days_between
    parts = [figures.day(taken)] if taken else [_("date not known")]
    if days is not None:
        parts.append(_("%(days)s before") % {"days": figures.days(days)})
    return ", ".join([*parts, comparison.prior_job])


def change_row(change: Change) -> ChangeRow:
    return ChangeRow(
        now="" if change.now is None else str(change.now),
        before="" if change.before is None else str(change.before),
        measure=_(MEASURES.get(change.measure, change.measure)) if change.measure else "",
        value_now=value(change.value_now, change.measure),
        value_before=value(change.value_before, change.measure),
        change=course_of(change),
        doubling=doubling_of(change.doubling_days),
    )


def value(figure: float | None, measure: str) -> str:
    if figure is None:
        return ""
    return f"{figures.number(figure, 0 if measure == 'volume_mm3' else 1)} {UNITS.get(measure, '')}".strip()


def course_of(change: Change) -> str:
    """By how much it changed, or what else became of it."""
    word = _(COURSES[change.course]) if change.course in COURSES else ""
    if change.growth_percent is None:
        return word
    percent = figures.signed_percent(change.growth_percent)
    return f"{percent}, {word}" if word else percent


def doubling_of(days: float | None) -> str:
    return "" if days is None else figures.days(round(days))
