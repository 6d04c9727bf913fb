"""Prepaid credits: which grant is used up first. Exact minor units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from billing.domain.money import ZERO, exact_arithmetic

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GrantBalance:
    """What is left of a grant. It is good before `expires_at` and no longer at it; None: for ever."""

    id: UUID
    priority: int
    expires_at: datetime | None
    available: Decimal


def burn_order(grant: GrantBalance) -> tuple[int, bool, datetime, UUID]:
    """The key to sort grants by: low priority number first, then what expires soonest, then the lower id."""
    return grant.priority, grant.expires_at is None, grant.expires_at or NEVER, grant.id


def burn(grants: Iterable[GrantBalance], amount: Decimal, now: datetime) -> list[tuple[UUID, Decimal]]:
    """What to take from which grant, in order; less than `amount` in total where there is not enough.

    Expired and empty grants are left alone. Raises `ValueError` for a negative amount.
    """
    if amount < 0:
        raise ValueError("a negative amount can not be taken")
    taken: list[tuple[UUID, Decimal]] = []
    with exact_arithmetic():
        for grant in sorted(grants, key=burn_order):
            part = min(amount, spendable(grant, now))
            if part > 0:
                taken.append((grant.id, part))
                amount -= part
    return taken


def spendable(grant: GrantBalance, now: datetime) -> Decimal:
    """What can be taken from a grant at `now`."""
    expired = grant.expires_at is not None and grant.expires_at <= now
    return ZERO if expired else max(ZERO, grant.available)
