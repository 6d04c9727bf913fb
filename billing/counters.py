"""The counter rows behind quotas: the one place where `used` and `reserved` are written.

A place is taken by one conditional UPDATE: the database decides and locks the row in the same step, so that no two
jobs are given the last place, and what is read afterwards in the transaction is this job's own position.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable

from billing import subscriptions
from billing.domain.money import ZERO
from billing.domain.periods import Period
from billing.fields import QuantityField
from billing.models import Entitlement, Meter, QuotaCounter, Subscription
from billing.terms import Terms
from tenants.querysets import TenantQuerySet


def describe(subscription: Subscription, entitlement: Entitlement, meter: Meter, period: Period) -> QuotaCounter:
    """A counter at its beginning, not stored."""
    return QuotaCounter(
        tenant_id=subscription.tenant_id, subscription=subscription, phase=subscriptions.phase_of(subscription),
        meter=meter, plugin=entitlement.plugin,
        period_start=period.start, period_end=period.end, limit=entitlement.limit, hard=entitlement.hard,
        used=ZERO, reserved=ZERO, overage=ZERO,
    )  # fmt: skip


def look(subscription: Subscription, found: Terms, period: Period) -> QuotaCounter:
    """The period's counter as it stands, or one at its beginning; writes nothing."""
    stored = _stored(subscription, found, period)
    return stored or describe(subscription, found.entitlement, found.meter, period)


def open_for(subscription: Subscription, found: Terms, period: Period) -> QuotaCounter:
    """The period's stored counter, made on first use; two that make it at once get the same row."""
    stored = _stored(subscription, found, period)
    if stored is None:
        fresh = describe(subscription, found.entitlement, found.meter, period)
        QuotaCounter.objects.bulk_create([fresh], ignore_conflicts=True)
        stored = _stored(subscription, found, period)
    assert stored is not None
    return stored


def hold(counter: QuotaCounter, metered: Decimal) -> Decimal | None:
    """Take a place of `metered` units: the position before it, or None where the limit leaves no room.

    `counter` is read anew: as it is after the step, with the row locked until the transaction ends.
    """
    taken = _row(counter).filter(_room_for(metered)).update(reserved=F("reserved") + _value(metered))
    counter.refresh_from_db(fields=["used", "reserved", "overage"])
    return counter.used + counter.reserved - metered if taken else None


def free(counter: QuotaCounter, metered: Decimal) -> None:
    """Give a held place back."""
    _row(counter).update(reserved=F("reserved") - _value(metered))


def use(counter: QuotaCounter, metered: Decimal) -> None:
    """Turn a held place into use."""
    _row(counter).update(used=F("used") + _value(metered), reserved=F("reserved") - _value(metered))


def use_without_place(counter: QuotaCounter, metered: Decimal) -> None:
    """Count finished work whose place was given back: never refused, what does not fit is noted as overage."""
    row = _row(counter).select_for_update(no_key=True).get()
    row.used += metered
    if row.hard and row.limit is not None:
        row.overage = max(row.overage, row.used + row.reserved - row.limit)
    row.save(update_fields=["used", "overage"])


def of_period(subscription: Subscription, period: Period) -> Iterator[QuotaCounter]:
    """The stored counters of one period with their meters."""
    found: Iterator[QuotaCounter] = (
        QuotaCounter.objects.for_tenant(subscription.tenant_id)
        .select_related("meter")
        .filter(subscription=subscription, period_start=period.start)
        .iterator()
    )
    return found


def _stored(subscription: Subscription, found: Terms, period: Period) -> QuotaCounter | None:
    of_period = QuotaCounter.objects.for_tenant(subscription.tenant_id).filter(
        subscription=subscription, period_start=period.start
    )
    stored: QuotaCounter | None = of_period.filter(meter=found.meter, plugin=found.entitlement.plugin).first()
    if stored is not None:
        stored.subscription, stored.meter = subscription, found.meter
    return stored


def _room_for(metered: Decimal) -> Q:
    return Q(hard=False) | Q(limit__isnull=True) | Q(limit__gte=F("used") + F("reserved") + _value(metered))


def _value(metered: Decimal) -> Combinable:
    # typed, because SQLite keeps quantities as millionths and a bare decimal would be added as it is
    return Value(metered, output_field=QuantityField())


def _row(counter: QuotaCounter) -> TenantQuerySet[QuotaCounter]:
    row: TenantQuerySet[QuotaCounter] = QuotaCounter.objects.for_tenant(counter.tenant_id).filter(pk=counter.pk)
    return row
