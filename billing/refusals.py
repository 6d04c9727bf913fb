"""Refusals in full: which limit, how much of it is left, when it starts anew, and what to do."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.utils.translation import gettext_noop

from billing import counters, texts
from billing.domain.money import ZERO, total
from billing.errors import ConcurrencyLimit, PaymentRequired, QuotaExceeded
from billing.links import credits_url, instant, upgrade_url
from billing.models import Entitlement, QuotaCounter

CREDITS_SHORT = gettext_noop("The credits do not cover this work: buy credits to go on.")


def quota_exceeded(counter: QuotaCounter) -> QuotaExceeded:
    """The counter's limit leaves no room."""
    limit = counter.limit if counter.limit is not None else ZERO
    extra: dict[str, object] = {
        "meter": counter.meter.slug,
        "limit": str(limit),
        "used": str(total([counter.base, counter.used])),
        "reserved": str(counter.reserved),
        "remaining": str(max(ZERO, total([limit, -counters.taken(counter)]))),
        "resets_at": instant(counter.period_end),
        "upgrade_url": upgrade_url(),
    }
    return QuotaExceeded(limit=str(limit), meter=texts.unit(counter.meter.slug), extra=extra)


def too_many_unfinished(entitlement: Entitlement) -> ConcurrencyLimit:
    """The entitlement's unfinished jobs are all taken."""
    retry_after = ConcurrencyLimit.retry_after
    extra: dict[str, object] = {"limit": entitlement.max_in_flight, "retry_after": retry_after}
    return ConcurrencyLimit(limit=entitlement.max_in_flight, extra=extra)


def credits_short(amount: Decimal, available: Decimal, currency: str) -> PaymentRequired:
    """Work of `amount` minor units, for which only `available` of credits are there."""
    extra: dict[str, object] = {
        "amount": int(amount.to_integral_value(rounding=ROUND_CEILING)),
        "available": int(available.to_integral_value(rounding=ROUND_FLOOR)),
        "currency": currency,
        "upgrade_url": credits_url(),
    }
    return PaymentRequired(CREDITS_SHORT, extra=extra)
