"""The fees of a period: the plan's, by the phases of the subscription, and those of add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing import phasing, subscriptions, terms
from billing.domain.invoicing import Fee
from billing.domain.money import exact_arithmetic
from billing.domain.periods import Period
from billing.domain.proration import prorated
from billing.models import PhaseKind, Subscription, SubscriptionAddOn, SubscriptionPhase

TIME = "%Y-%m-%d %H:%M"


def fees_of(subscription: Subscription, part: Period) -> list[Fee]:
    """What is due for `part` of a period: the plan's fee to the second, an add-on's in full for a touched period.

    Nothing once the subscription is over.
    """
    if subscription.canceled_at is not None and part.start >= subscription.canceled_at:
        return []
    whole = subscriptions.part_at(subscription, part.start).whole
    return [*_plan_fees(subscription, part, whole), *_add_on_fees(subscription, part)]


def _plan_fees(subscription: Subscription, part: Period, whole: Period) -> Iterator[Fee]:
    for phase in subscriptions.phases(subscription, part):
        price = terms.fee(phase.plan_version, subscription.currency)
        if phase.kind != PhaseKind.CHARGED or price is None:
            continue
        span = _within(phase, part)
        if whole.end is None or span == whole:
            # a plan without periods has its fee once
            yield Fee("fee", {"plan": phase.plan_version.plan.name}, price.amount, unit_amount=price.amount)
        elif span.start != span.end:
            params = {"plan": phase.plan_version.plan.name, **_told(span, subscription.time_zone)}
            yield Fee("fee.part", params, prorated(price.amount, span, whole))


def _add_on_fees(subscription: Subscription, part: Period) -> Iterator[Fee]:
    for row in phasing.add_ons(subscription):
        price = terms.fee(row.plan_version, subscription.currency) if _touches(row, part) else None
        if price is not None:
            with exact_arithmetic():
                exact = price.amount * row.quantity
            name = {"plan": row.plan_version.plan.name}
            yield Fee("add_on", name, exact, Decimal(row.quantity), price.amount)


def _touches(row: SubscriptionAddOn, part: Period) -> bool:
    begun = part.end is None or row.starts_at < part.end
    return begun and (row.ends_at is None or row.ends_at > part.start)


def _within(phase: SubscriptionPhase, part: Period) -> Period:
    ends = [end for end in (phase.ends_at, part.end) if end is not None]
    return Period(max(phase.starts_at, part.start), min(ends, default=None))


def _told(span: Period, zone: str) -> dict[str, str]:
    """The bounds of a part as the customer's clock shows them."""
    assert span.end is not None
    return {"from": _shown(span.start, zone), "until": _shown(span.end, zone)}


def _shown(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime(TIME)
