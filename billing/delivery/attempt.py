"""One attempt to deliver a message, and what became of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from billing import clock
from billing.models import OutboxMessage, OutboxState

LONGEST_PAUSE = 3600.0
"""Between two attempts, seconds."""
UNSENT, RETRIED = "unsent", "retried"


@dataclass(frozen=True, slots=True)
class Attempt:
    """`was_ambiguous` tells that an earlier one may have arrived, `first_at` when.

    The claim lasts until `until`; a call that begins until `begin_by` ends before that.
    """

    message: OutboxMessage
    number: int
    until: datetime
    begin_by: datetime
    was_ambiguous: bool
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt, and what is written about it; `noted` is added to the message's payload."""

    name: str
    values: dict[str, Any]
    noted: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether those behind it may go."""
        return self.name in (OutboxState.DELIVERED, OutboxState.PARKED)


def delivered(noted: dict[str, Any]) -> Outcome:
    return Outcome("delivered", _end(OutboxState.DELIVERED, "", ambiguous=False), noted)


def parked(reason: str, *, ambiguous: bool) -> Outcome:
    return Outcome("parked", _end(OutboxState.PARKED, reason[:500], ambiguous=ambiguous))


def later(attempt: Attempt, reason: str, *, after: float | None = None, ambiguous: bool) -> Outcome:
    """To be tried again: when the provider asked to, else the later, the more attempts there were."""
    pause = min(LONGEST_PAUSE, 2.0 ** min(attempt.number, 12))
    pause = random.uniform(pause / 2, pause) if after is None else after + random.uniform(0, 1)  # noqa: S311 jitter
    # what may have arrived once may have arrived for ever
    unclear = ambiguous or attempt.was_ambiguous
    values = {
        "claimed_until": None, "next_at": clock.now() + timedelta(seconds=pause), "last_error": reason[:500],
        "ambiguous": unclear, "first_attempt_at": attempt.first_at if unclear else None,
    }  # fmt: skip
    return Outcome(RETRIED, values)


def unsent(attempt: Attempt) -> Outcome:
    """It was claimed and never begun: all is as it was before."""
    before = attempt.message
    values = {
        "claimed_until": None, "attempts": before.attempts, "ambiguous": before.ambiguous,
        "first_attempt_at": before.first_attempt_at,
    }  # fmt: skip
    return Outcome(UNSENT, values)


def _end(state: OutboxState, reason: str, *, ambiguous: bool) -> dict[str, Any]:
    return {"state": state.value, "claimed_until": None, "last_error": reason, "ambiguous": ambiguous}
