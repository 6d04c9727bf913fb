"""What a period's use costs beyond credits, and the caps on it.

One row for each period, which every work that costs something locks: it is the cost so far at the price of one row,
and its lock is what decides about the last unit below a hard cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, Subquery

from billing import alerts, clock, credits, reading, subscriptions
from billing.domain.money import ZERO, in_major_units, round_half_up, total
from billing.domain.periods import Period
from billing.errors import SpendingLimitReached
from billing.links import caps_url, instant
from billing.models import AlertKind, BillingCustomer, QuotaCounter, SpendingCounter, Subscription
from tenants.querysets import TenantQuerySet

Key = tuple[UUID, datetime, UUID]
"""A tenant, the beginning of a period, and a subscription: what a row counts."""


@dataclass(frozen=True, slots=True)
class SpendingState:
    """The cost so far: `spent` by finished and `held` for begun work, exact minor units; caps in whole ones."""

    spent: Decimal
    held: Decimal
    soft_cap: int | None
    hard_cap: int | None
    period: Period


@dataclass(slots=True)
class Purse:
    """A period's spending row, locked, with the caps, and whether there may be credits to pay from."""

    id: UUID
    tenant_id: UUID
    period_start: datetime
    period_end: datetime | None
    spent: Decimal
    held: Decimal
    soft_cap: int | None
    hard_cap: int | None
    has_credits: bool

    @property
    def taken(self) -> Decimal:
        return total([self.spent, self.held])


def lock(counter: QuotaCounter, currency: str) -> Purse:
    """The spending row of the counter's period, made on first use, kept from others until the transaction ends."""
    purse = _locked(counter.tenant_id, counter.subscription_id, counter.period_start, currency)
    if purse is None:
        fresh = SpendingCounter(
            tenant_id=counter.tenant_id, subscription_id=counter.subscription_id,
            period_start=counter.period_start, period_end=counter.period_end,
        )  # fmt: skip
        SpendingCounter.objects.bulk_create([fresh], ignore_conflicts=True)
        purse = _locked(counter.tenant_id, counter.subscription_id, counter.period_start, currency)
    assert purse is not None
    return purse


def refuse_beyond_cap(purse: Purse, amount: Decimal, currency: str) -> None:
    """Raises `SpendingLimitReached` where the hard cap leaves less than `amount`."""
    if purse.hard_cap is not None and total([purse.taken, amount]) > purse.hard_cap:
        raise _limit_reached(purse, purse.hard_cap, currency)


def hold(purse: Purse, amount: Decimal) -> None:
    """Reserve money for a job, for which `refuse_beyond_cap` has found room in the locked row."""
    _write(purse, spent=ZERO, held=amount)


def settle(amounts: Mapping[Key, Decimal]) -> None:
    """Turn held money into spent money, on all rows by one statement. No cap is nearer than before."""
    if not amounts:
        return
    own = SpendingCounter.objects.for_tenants(tenant_id for tenant_id, _, _ in amounts)
    periods = own.filter(
        period_start__in={start for _, start, _ in amounts}, subscription__in={key for _, _, key in amounts}
    )
    rows = list(periods.order_by("period_start", "subscription_id").select_for_update(no_key=True))
    settled = [each for each in rows if (each.tenant_id, each.period_start, each.subscription_id) in amounts]
    assert len(settled) == len(amounts), "what is held is held on a row"
    for each in settled:
        amount = amounts[each.tenant_id, each.period_start, each.subscription_id]
        each.spent, each.held = total([each.spent, amount]), total([each.held, -amount])
    own.bulk_update(settled, ["spent", "held"])


def release(purse: Purse, amount: Decimal) -> None:
    """Give held money back."""
    _write(purse, spent=ZERO, held=-amount)


def spend(purse: Purse, amount: Decimal) -> None:
    """Count finished work whose hold was given back: never refused, be it beyond the cap."""
    _write(purse, spent=amount, held=ZERO)


def state(tenant_id: UUID) -> SpendingState | None:
    """The cost so far of the current period; None without a subscription. Writes nothing."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return None
    period = subscriptions.period_of(subscription, clock.now())
    found = payer(subscription, period.start)
    if found is None:
        row = _counter(subscription, period.start).first()
        return SpendingState(row.spent if row else ZERO, row.held if row else ZERO, None, None, period)
    return SpendingState(found.spent or ZERO, found.held or ZERO, found.soft_cap, found.hard_cap, period)


@reading.once
def payer(subscription: Subscription, period_start: datetime) -> Any:
    """Who pays for a subscription, with the `spent` and `held` of a period; None before the customer's row is made."""
    counter = _counter(subscription, period_start)
    rows = BillingCustomer.objects.for_tenant(subscription.tenant_id)
    sums = {name: Subquery(counter.values(name)[:1]) for name in ("spent", "held")}
    return rows.annotate(**sums).first()


def _counter(subscription: Subscription, period_start: datetime) -> TenantQuerySet[SpendingCounter]:
    rows: TenantQuerySet[SpendingCounter] = SpendingCounter.objects.for_tenant(subscription.tenant_id)
    return rows.filter(subscription=subscription, period_start=period_start)


def note_caps(tenant_id: UUID, soft: int | None, hard: int | None) -> None:
    """Raise the alerts that new caps find reached."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return
    period = subscriptions.period_of(subscription, clock.now())
    purse = _locked(tenant_id, subscription.pk, period.start, subscription.currency)
    if purse is not None:
        purse.soft_cap, purse.hard_cap = soft, hard
        _warn(purse, before=ZERO)


def _write(purse: Purse, *, spent: Decimal, held: Decimal) -> None:
    """Amounts are added here and not by the database, which on SQLite can not: the row is locked."""
    before = purse.taken
    purse.spent, purse.held = total([purse.spent, spent]), total([purse.held, held])
    SpendingCounter.objects.for_tenant(purse.tenant_id).filter(pk=purse.id).update(spent=purse.spent, held=purse.held)
    _warn(purse, before)


def _warn(purse: Purse, before: Decimal) -> None:
    for subject, cap in (("soft", purse.soft_cap), ("hard", purse.hard_cap)):
        if cap is not None:
            level = alerts.Level(
                AlertKind.SPENDING, subject, purse.period_start, before, purse.taken, Decimal(cap)
            )  # fmt: skip
            alerts.check(purse.tenant_id, level)


def _locked(tenant_id: UUID, subscription_id: UUID, period_start: datetime, currency: str) -> Purse | None:
    """All that decides about money, in one query: most work costs no more than this one and the write."""
    caps = BillingCustomer.objects.for_tenant(tenant_id)
    row = (
        SpendingCounter.objects.for_tenant(tenant_id)
        .filter(subscription_id=subscription_id, period_start=period_start)
        .select_for_update(no_key=True)
        .annotate(
            soft_cap=Subquery(caps.values("soft_cap")[:1]),
            hard_cap=Subquery(caps.values("hard_cap")[:1]),
            has_credits=Exists(credits.good(tenant_id, currency, clock.now())),
        )
        .values("id", "tenant_id", "period_start", "period_end", "spent", "held", "soft_cap", "hard_cap", "has_credits")
        .first()
    )
    return Purse(**row) if row else None


def _limit_reached(purse: Purse, cap: int, currency: str) -> SpendingLimitReached:
    left = max(ZERO, total([Decimal(cap), -purse.taken])).to_integral_value(rounding=ROUND_FLOOR)
    extra: dict[str, object] = {
        "limit": cap, "used": round_half_up(purse.spent), "reserved": round_half_up(purse.held),
        "remaining": int(left), "currency": currency, "resets_at": instant(purse.period_end),
        "upgrade_url": caps_url(),
    }  # fmt: skip
    return SpendingLimitReached(limit=in_major_units(cap, currency), currency=currency.upper(), extra=extra)
