"""What the rules beside the network say: advice from published guidelines, and comparison with an earlier study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence: an English template, translated where it is shown, and what is filled in."""

    template: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice with its reasons ("because ..."), and the published table that it was read from.

    `findings` are the numbers of the findings that led to it.
    """

    slug: str
    text: Told
    because: tuple[Told, ...]
    guideline: str
    version: str
    source: str
    findings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One lesion in both studies, or in one of them: `now` and `before` are numbers of findings, None where absent.

    `growth_percent` is of the volume, or of the mean diameter where there is no volume (`measure` says which);
    `doubling_days` is None where it did not grow or the days between are unknown.
    """

    now: int | None
    before: int | None
    measure: str = ""
    value_now: float | None = None
    value_before: float | None = None
    growth_percent: float | None = None
    doubling_days: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A result beside that of an earlier study of the same patient."""

    prior_job: str
    prior_taken_at: datetime | None
    days_between: int | None
    changes: tuple[Change, ...]
    notes: tuple[Told, ...] = ()
