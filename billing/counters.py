"""The counter rows behind quotas: the one place where `used` and `reserved` are written.

A place is looked for in the locked row and taken by one conditional UPDATE: what was read is this job's own position,
and where no lock was held the database would still not give the last place to two jobs.

A counter belongs to a phase. What earlier phases of the same period take of the pool is its `base`, so that a change of
plan gives no second allowance: it follows when their places are given back. What add-ons include widens its limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Case, F, Q, Subquery, Value, When
from django.db.models.expressions import Combinable

from billing import clock, phasing, reading, subscriptions
from billing.domain.money import ZERO, total
from billing.domain.periods import Period
from billing.fields import QuantityField
from billing.models import (
    Entitlement,
    Meter,
    QuotaCounter,
    Reservation,
    Subscription,
    SubscriptionAddOn,
    SubscriptionPhase,
)
from billing.terms import Terms
from tenants.querysets import TenantQuerySet

LEVELS = ["base", "included", "limit", "hard", "used", "reserved", "overage"]
BY_PHASE = ["phase__starts_at", "phase_id", "id"]
Pool = tuple[str, UUID]
"""An entitlement's plugin ("*" for all) and a meter."""
Key = tuple[UUID, UUID]
"""A tenant and a counter of it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What new counters of a subscription's open phase begin with, by pool."""

    subscription: Subscription
    phase: SubscriptionPhase
    period: Period
    bases: Mapping[Pool, Decimal]
    included: Mapping[Pool, Decimal]

    def fresh(self, plugin: str, limit: Decimal | None, hard: bool, meter: Meter) -> QuotaCounter:
        """A counter at its beginning, not stored. What an earlier phase was allowed beyond the limit is overage."""
        base, included = (known.get((plugin, meter.id), ZERO) for known in (self.bases, self.included))
        widened = _widened(limit, included)
        beyond = max(ZERO, total([base, -widened])) if hard and widened is not None else ZERO
        return QuotaCounter(
            tenant_id=self.subscription.tenant_id, subscription=self.subscription, phase=self.phase, meter=meter,
            plugin=plugin, period_start=self.period.start, period_end=self.period.end, limit=widened, hard=hard,
            base=base, included=included, used=ZERO, reserved=ZERO, overage=beyond,
        )  # fmt: skip


def setting(subscription: Subscription, period: Period, *, lasting: bool = False) -> Setting:
    """What the open phase's counters begin with; `lasting` waits for work that is just ending in earlier ones."""
    phase = subscriptions.phase_of(subscription)
    first = len(phasing.rows(subscription)) == 1
    bases = {} if first else _bases(phase, period, lasting)
    return Setting(subscription, phase, period, bases, included(subscription))


def taken(counter: QuotaCounter) -> Decimal:
    """Everything that the limit and the price look at."""
    return total([counter.base, counter.used, counter.reserved])


def look(subscription: Subscription, found: Terms, period: Period) -> QuotaCounter:
    """The period's counter as it stands, or one at its beginning; writes nothing."""
    return _stored(subscription, found, period) or _fresh(setting(subscription, period), found)


def open_for(subscription: Subscription, found: Terms, period: Period) -> QuotaCounter:
    """The period's stored counter, locked, made on first use; two that make it at once get the same row."""
    stored = _stored(subscription, found, period, lasting=True)
    if stored is None:
        fresh = _fresh(setting(subscription, period, lasting=True), found)
        QuotaCounter.objects.bulk_create([fresh], ignore_conflicts=True)
        stored = _stored(subscription, found, period, lasting=True)
    assert stored is not None
    return stored


def lock(counter: QuotaCounter) -> None:
    """Keep the row from others until the transaction ends, and read it again."""
    _row(counter).select_for_update(no_key=True).get()
    counter.refresh_from_db(fields=LEVELS)


def has_room(counter: QuotaCounter, metered: Decimal) -> bool:
    """Whether the limit leaves room for `metered` units more, by the counter as it was read: it must be locked."""
    if not metered or not counter.hard or counter.limit is None:
        return True
    return bool(total([taken(counter), metered]) <= counter.limit)


def hold(counter: QuotaCounter, metered: Decimal) -> bool:
    """Reserve `metered` units where the limit leaves room; False and nothing where it does not.

    Leaves a locked `counter` as it stands in the database, this place included.
    """
    held = _row(counter).filter(_room_for(metered)).update(reserved=F("reserved") + _value(metered))
    if held:
        counter.reserved = total([counter.reserved, metered])
    return bool(held)


def free(counter: QuotaCounter, metered: Decimal) -> None:
    """Give a held place back, in the phases after its own too."""
    _row(counter).update(reserved=F("reserved") - _value(metered))
    _move_bases(counter, -metered)


def use_many(units: Mapping[Key, Decimal]) -> None:
    """Turn held places into use: `units` of each counter, by tenant and id, all by one statement."""
    if not units:
        return
    rows = QuotaCounter.objects.for_tenants(tenant_id for tenant_id, _ in units).filter(pk__in=[pk for _, pk in units])
    if len(units) > 1:
        # one UPDATE takes its rows in no order: who shares some of them must have met here before
        list(_in_order(rows).values_list("pk"))
    taken = Case(*(When(pk=pk, then=_value(metered)) for (_, pk), metered in units.items()))
    rows.update(used=F("used") + taken, reserved=F("reserved") - taken)


def use_without_place(counter: QuotaCounter, metered: Decimal) -> None:
    """Count finished work whose place was given back: never refused, what does not fit is noted as overage."""
    lock(counter)
    counter.used = total([counter.used, metered])
    _note_overage(counter)
    counter.save(update_fields=["used", "overage"])
    _move_bases(counter, metered)


def lock_periods(reservations: Iterable[Reservation]) -> None:
    """Lock every counter of the periods that places are in, those of later phases too, for work that ends late."""
    counted = [each.counter for each in reservations]
    rows = QuotaCounter.objects.for_tenants(each.tenant_id for each in counted).filter(
        subscription__in={each.subscription_id for each in counted},
        period_start__in={each.period_start for each in counted},
    )  # fmt: skip
    list(_in_order(rows))


def of_period(subscription: Subscription, period: Period) -> list[QuotaCounter]:
    """The stored counters of the open phase in one period, with their meters."""
    return [counter for counter in _with_phases(subscription, period.start) if counter.phase.ends_at is None]


def by_id(subscription: Subscription, period_start: datetime, ids: set[UUID]) -> dict[UUID, QuotaCounter]:
    """Counters of the subscription's tenant with their meters and phases, most of them of the period given."""
    found = {counter.id: counter for counter in _with_phases(subscription, period_start) if counter.id in ids}
    if missing := ids - found.keys():
        rows = QuotaCounter.objects.for_tenant(subscription.tenant_id).select_related("meter", "phase")
        found |= rows.in_bulk(missing)
    return found


@reading.once
def _with_phases(subscription: Subscription, period_start: datetime) -> list[QuotaCounter]:
    rows = QuotaCounter.objects.for_tenant(subscription.tenant_id).select_related("meter", "phase")
    return list(rows.filter(subscription=subscription, period_start=period_start))


def widen(subscription: Subscription, period: Period) -> None:
    """Bring the open counters up to the add-ons as they are now; call it when one was added."""
    limits = dict(Entitlement.objects.filter(plan_version=subscription.plan_version_id).values_list("plugin", "limit"))
    known = included(subscription)
    for counter in _open(subscription, period).order_by("id").select_for_update(no_key=True, of=("self",)):
        counter.included = known.get((counter.plugin, counter.meter_id), ZERO)
        counter.limit = _widened(limits.get(counter.plugin), counter.included)
        counter.save(update_fields=["included", "limit"])


def included(subscription: Subscription) -> dict[Pool, Decimal]:
    """The units that the add-ons of the moment include, by pool."""
    now = clock.now()
    lasting = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    add_ons = SubscriptionAddOn.objects.for_tenant(subscription.tenant_id).filter(
        lasting, subscription=subscription, starts_at__lte=now
    )
    bought = list(add_ons.values_list("plan_version", "quantity")) if phasing.beside(subscription).add_ons else []
    if not bought:
        return {}
    units: dict[Pool, Decimal] = {}
    limited = Entitlement.objects.filter(plan_version__in={version for version, _ in bought}, limit__isnull=False)
    for version, plugin, meter, limit in limited.values_list("plan_version", "plugin", "meter", "limit"):
        if meter is not None and limit is not None:
            each = (limit * quantity for bought_version, quantity in bought if bought_version == version)
            units[plugin, meter] = total([units.get((plugin, meter), ZERO), *each])
    return units


def _move_bases(counter: QuotaCounter, metered: Decimal) -> None:
    """Let the later phases' counters of the pool begin where this one now ends. This one's row must be locked."""
    if not metered:
        return
    pool = QuotaCounter.objects.for_tenant(counter.tenant_id).filter(
        subscription=counter.subscription_id, period_start=counter.period_start, meter=counter.meter_id,
        plugin=counter.plugin,
    ).exclude(pk=counter.pk)  # fmt: skip
    begun = Subquery(SubscriptionPhase.objects.filter(pk=counter.phase_id).values("starts_at"))
    later = pool.filter(Q(phase__starts_at__gt=begun) | Q(phase__starts_at=begun, phase__gt=counter.phase_id))
    for each in _in_order(later):
        each.base = total([each.base, metered])
        _note_overage(each)
        each.save(update_fields=["base", "overage"])


def _note_overage(counter: QuotaCounter) -> None:
    if counter.hard and counter.limit is not None:
        counter.overage = max(counter.overage, total([taken(counter), -counter.limit]))


def _fresh(begin: Setting, found: Terms) -> QuotaCounter:
    return begin.fresh(found.entitlement.plugin, found.entitlement.limit, found.entitlement.hard, found.meter)


def _bases(phase: SubscriptionPhase, period: Period, lasting: bool) -> dict[Pool, Decimal]:
    """What earlier phases had taken of each pool: its last counter tells, for it has the ones before as its base."""
    earlier = (
        _of_period(phase.tenant_id, phase.subscription_id, period)
        .filter(phase__ends_at__isnull=False)
        .order_by(*BY_PHASE)
    )
    rows: Iterable[QuotaCounter] = earlier.select_for_update(no_key=True, of=("self",)) if lasting else earlier
    return {(counter.plugin, counter.meter_id): taken(counter) for counter in rows}


def _stored(subscription: Subscription, found: Terms, period: Period, *, lasting: bool = False) -> QuotaCounter | None:
    rows = _open(subscription, period).filter(meter=found.meter, plugin=found.entitlement.plugin).order_by("id")
    if lasting:
        rows = rows.select_for_update(no_key=True, of=("self",))
    stored: QuotaCounter | None = rows.first()
    if stored is not None:
        stored.subscription, stored.meter = subscription, found.meter
    return stored


def _open(subscription: Subscription, period: Period) -> TenantQuerySet[QuotaCounter]:
    every = _of_period(subscription.tenant_id, subscription.pk, period)
    return every.filter(phase__ends_at__isnull=True)


def _of_period(tenant_id: UUID, subscription_id: UUID, period: Period) -> TenantQuerySet[QuotaCounter]:
    rows: TenantQuerySet[QuotaCounter] = QuotaCounter.objects.for_tenant(tenant_id)
    return rows.filter(subscription=subscription_id, period_start=period.start)


def _widened(limit: Decimal | None, included: Decimal) -> Decimal | None:
    return None if limit is None else total([limit, included])


def _room_for(metered: Decimal) -> Q:
    """What adds nothing always has room, also where an earlier plan had allowed more than this one does."""
    if not metered:
        return Q()
    every = F("base") + F("used") + F("reserved") + _value(metered)
    return Q(hard=False) | Q(limit__isnull=True) | Q(limit__gte=every)


def _value(metered: Decimal) -> Combinable:
    # typed, because SQLite keeps quantities as millionths and a bare decimal would be added as it is
    return Value(metered, output_field=QuantityField())


def _in_order(rows: TenantQuerySet[QuotaCounter]) -> TenantQuerySet[QuotaCounter]:
    """Several counters, locked in the order of all: an earlier phase's first."""
    return rows.order_by(*BY_PHASE).select_for_update(no_key=True, of=("self",))


def _row(counter: QuotaCounter) -> TenantQuerySet[QuotaCounter]:
    row: TenantQuerySet[QuotaCounter] = QuotaCounter.objects.for_tenant(counter.tenant_id).filter(pk=counter.pk)
    return row
