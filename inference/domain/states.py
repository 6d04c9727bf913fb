"""The states of a job and the moves between them: one table, moved only by a conditional UPDATE."""

from __future__ import annotations

from typing import Literal

State = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired"]

TRANSITIONS: dict[str, frozenset[State]] = {
    "queued": frozenset({"running", "failed", "cancelled", "expired"}),
    # back to queued: the lease ran out, or the attempt failed and another one is allowed
    "running": frozenset({"succeeded", "failed", "cancelled", "queued"}),
    "succeeded": frozenset(),
    # a retry asked for by the customer is a new reservation on the same job
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
    "expired": frozenset({"queued"}),
}
ACTIVE: frozenset[State] = frozenset({"queued", "running"})
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled", "expired"})


def may_move(start: str, target: str) -> bool:
    """Whether the table has this move."""
    return target in TRANSITIONS[start]
