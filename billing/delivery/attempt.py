"""One attempt to deliver a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.models import OutboxMessage


@dataclass(frozen=True, slots=True)
class Attempt:
    """`was_ambiguous` tells that an earlier one may have arrived, `first_at` when; the claim lasts until `until`."""

    message: OutboxMessage
    number: int
    until: datetime
    was_ambiguous: bool
    first_at: datetime
