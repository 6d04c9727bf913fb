"""What the rules beside the network say: advice from published guidelines, and comparison with an earlier study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

VOLUME, DIAMETER = "volume_mm3", "mean_diameter_mm"
# what repeated measurement of one nodule scatters by: a quarter of the volume, 1.5 mm of the mean diameter
VOLUME_RATIO, DIAMETER_MM = 1.25, 1.5

Course = Literal["new", "gone", "grown", "shrunk", "unchanged", "not_measured"]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence: an English template, translated where it is shown, and what is filled in."""

    template: str
    params: Mapping[str, str] = field(default_factory=dict)

    def filled(self, **params: object) -> Told:
        """The same sentence with what it is filled with."""
        return Told(self.template, {name: str(value) for name, value in params.items()})


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice with its reasons ("because ..."), and the published table that it was read from.

    `findings` are the numbers of the findings that led to it; `after_months` is between which months from now the
    first step lies, None where there is none or it is not told in months.
    """

    slug: str
    text: Told
    because: tuple[Told, ...]
    guideline: str
    version: str
    source: str
    findings: tuple[int, ...] = ()
    after_months: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One lesion in both studies, or in one of them: `now` and `before` are numbers of findings, None where absent.

    `growth_percent` is of the volume, or of the mean diameter where there is no volume (`measure` says which);
    `doubling_days` is None where it did not grow beyond the error of measurement, or the days between are unknown.
    """

    now: int | None
    before: int | None
    measure: str = ""
    value_now: float | None = None
    value_before: float | None = None
    growth_percent: float | None = None
    doubling_days: float | None = None

    @property
    def course(self) -> Course:
        """What became of it; `unchanged` is what lies within the error of measurement."""
        if self.before is None or self.now is None:
            return "gone" if self.now is None else "new"
        if not self.value_now or not self.value_before:
            return "not_measured"
        if within_error(self.measure, self.value_now, self.value_before):
            return "unchanged"
        return "grown" if self.value_now > self.value_before else "shrunk"


def within_error(measure: str, one: float, other: float) -> bool:
    """Whether two measurements may be of the same size; the order of the two does not matter."""
    low, high = sorted((one, other))
    return high <= low * VOLUME_RATIO if measure == VOLUME else high - low <= DIAMETER_MM


@dataclass(frozen=True, slots=True)
class Comparison:
    """A result beside that of an earlier study of the same patient."""

    prior_job: str
    prior_taken_at: datetime | None
    days_between: int | None
    changes: tuple[Change, ...]
    notes: tuple[Told, ...] = ()
