"""What became of a lesion since an earlier study, in words."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from inference.domain.advice import VOLUME, Change, Course

COURSES: dict[Course, str] = {
    "new": gettext_noop("not there before"),
    "gone": gettext_noop("no longer there"),
    "grown": gettext_noop("has grown"),
    "shrunk": gettext_noop("has shrunk"),
    "unchanged": gettext_noop("unchanged within the error of measurement"),
    "not_measured": gettext_noop("growth not measurable"),
}


def course(change: Change) -> str:
    """What became of it."""
    return _(COURSES[change.course])


def sizes(change: Change) -> str:
    """`120 → 260 mm³ (+116.7 %)`; empty where it was not measured alike in both."""
    if change.value_now is None or change.value_before is None or change.growth_percent is None:
        return ""
    places, unit = (0, "mm³") if change.measure == VOLUME else (1, "mm")
    before, now = (number_format(value, places) for value in (change.value_before, change.value_now))
    sign = "+" if change.growth_percent > 0 else "−" if change.growth_percent < 0 else ""
    return f"{before} → {now} {unit} ({sign}{number_format(abs(change.growth_percent), 1)} %)"
