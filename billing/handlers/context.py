"""What a handler is told beside the facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.providers.base import BillingProvider


@dataclass(frozen=True, slots=True)
class Context:
    """`seen_at` is when the look at the object began."""

    provider: BillingProvider
    seen_at: datetime

    @property
    def actor(self) -> str:
        """Who did it, for the audit log."""
        return f"provider:{self.provider.name}"
