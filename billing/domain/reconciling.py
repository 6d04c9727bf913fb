"""Whether the places that hold the same use agree. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.domain.money import ZERO


class Verdict(StrEnum):
    """The same values as `models.Verdict`."""

    MATCHED = "matched"
    PENDING = "pending"
    MISSING = "missing"
    EXCESS = "excess"
    AMOUNT_MISMATCH = "amount_mismatch"


FINE = (Verdict.MATCHED, Verdict.PENDING)


@dataclass(frozen=True, slots=True)
class Stream:
    """One tenant's use of one meter on one day, in units, as each place has it.

    `ours` is the ledger's use, `delivered` what the relay has brought away of it, `metered` the part of that which the
    provider counts, `counted` what it says (None: nobody counts). `on_the_way` is use younger than two hours that is
    not delivered yet; `just_delivered` was delivered within them, and may not be counted yet.
    """

    ours: Decimal
    delivered: Decimal
    metered: Decimal
    on_the_way: Decimal
    just_delivered: Decimal
    counted: Decimal | None


def verdict(stream: Stream) -> Verdict:
    """An excess is the worst: somebody may pay twice. Use that is too young to judge is pending."""
    counted = stream.metered if stream.counted is None else stream.counted
    # a report whose answer was lost is counted there before it is delivered here
    if counted > stream.metered + stream.on_the_way or stream.delivered > stream.ours:
        return Verdict.EXCESS
    undelivered = stream.ours - stream.delivered
    if undelivered > stream.on_the_way or counted < stream.metered - stream.just_delivered:
        return Verdict.MISSING
    return Verdict.MATCHED if not undelivered and counted == stream.metered else Verdict.PENDING


def invoice_verdict(quantities: tuple[Decimal, Decimal], amounts: tuple[int, int | None], *, waits: bool) -> Verdict:
    """An invoice: units of its usage and of its lines; our total and the provider's (None: not there).

    `waits` tells that its message to the provider is young, or that there is none to bring it to.
    """
    used, charged = quantities
    ours, theirs = amounts
    if used > charged:
        return Verdict.MISSING
    if used < charged:
        return Verdict.EXCESS
    if theirs is None:
        return Verdict.MATCHED if ours == 0 or waits else Verdict.MISSING
    return Verdict.MATCHED if ours == theirs else Verdict.AMOUNT_MISMATCH


def booked_verdict(ours: Decimal, booked: Decimal) -> Verdict:
    """A day's use and what the ledger has booked for it, exact minor units."""
    return Verdict.MATCHED if ours - booked == ZERO else Verdict.AMOUNT_MISMATCH
