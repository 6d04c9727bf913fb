"""Whose turn it is: each worker serves the tenants that wait in proportion to their weight."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tenant with queued jobs: how many of its jobs run now, and since when the oldest one waits."""

    tenant_id: UUID
    weight: int
    running: int
    oldest: datetime


class Turns:
    """Stride scheduling: each job served moves its tenant 1/weight along the way, the one least far comes first.

    Age alone would let a crowd of older jobs keep everybody else out of small batches. The state is one process's own:
    when every worker is fair, all of them together are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._way: dict[UUID, float] = {}

    def order(self, waiting: Sequence[Waiting]) -> list[UUID]:
        """The tenants, the next one first: few running jobs for its weight, then its turn, then the longest wait."""
        with self._lock:
            known = [self._way[each.tenant_id] for each in waiting if each.tenant_id in self._way]
            # whoever comes (back) starts level with the one least far: a pause saves up nothing
            start = min(known, default=0.0)
            self._way = {each.tenant_id: self._way.get(each.tenant_id, start) for each in waiting}
            way = self._way
        ranked = sorted(
            waiting, key=lambda each: (each.running / each.weight, way[each.tenant_id], each.oldest, each.tenant_id)
        )
        return [each.tenant_id for each in ranked]

    def served(self, tenant_id: UUID, weight: int) -> None:
        """One job of the tenant was taken."""
        with self._lock:
            if tenant_id in self._way:
                self._way[tenant_id] += 1 / weight
