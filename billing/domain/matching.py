"""Whether a report of use whose answer was lost has arrived, told by the provider's own count. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum


class Arrival(StrEnum):
    """What the count says."""

    ARRIVED = "arrived"
    ABSENT = "absent"
    UNCLEAR = "unclear"


def arrival(counted: Decimal, delivered: Decimal, this: Decimal, others: Decimal) -> Arrival:
    """Compare the provider's count of a span with what is known to have arrived in it.

    `this` is the report in question, `others` the sum of further ones of the span whose answers were lost too: where
    only some of all those are counted, nothing tells which.
    """
    surplus = counted - delivered
    if surplus <= 0:
        return Arrival.ABSENT
    if surplus >= this + others:
        return Arrival.ARRIVED
    return Arrival.UNCLEAR
