"""What the current period will have cost at its end, for a customer who asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum

from billing import clock, counters, phasing, subscriptions, terms
from billing.domain.forecast import PoolUse, cost_at_end, used_at_end
from billing.domain.money import ZERO, exact_arithmetic, round_half_up, total
from billing.domain.periods import Period
from billing.domain.proration import prorated
from billing.fields import ExactSum
from billing.models import (
    Aggregation,
    PhaseKind,
    PlanVersion,
    Price,
    QuotaCounter,
    Subscription,
    SubscriptionPhase,
    SubscriptionStatus,
    UsageEvent,
)

AT_WORK = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


@dataclass(frozen=True, slots=True)
class PoolForecast:
    """One pool at one price: units and exact minor units now and at the period's end. `plugin` "*" is all of them."""

    meter: str
    plugin: str
    used: Decimal
    used_at_end: Decimal
    cost: Decimal
    cost_at_end: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    """An estimate before discounts, tax and credits; exact minor units of `currency`."""

    period: Period
    at: datetime
    currency: str
    pools: list[PoolForecast]
    fees: Decimal

    @property
    def use(self) -> Decimal:
        """What use has cost so far."""
        return total(pool.cost for pool in self.pools)

    @property
    def use_at_end(self) -> Decimal:
        """What use will have cost."""
        return total(pool.cost_at_end for pool in self.pools)

    @property
    def amount(self) -> int:
        """Fees and use at the period's end, whole minor units, half up."""
        return round_half_up(total([self.fees, self.use_at_end]))


def forecast(tenant_id: UUID) -> Forecast | None:
    """The forecast of the current period; None without a subscription and for a period without an end."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return None
    now = clock.now()
    period = subscriptions.period_of(subscription, now)
    if period.end is None:
        return None
    pools = list(_pools(subscription, period, now))
    return Forecast(period, now, subscription.currency, pools, fees_at_end(subscription, period))


def fees_at_end(subscription: Subscription, period: Period) -> Decimal:
    """The fees of a period when it ends as things stand: the phases' shares and the add-ons in full."""
    rows = phasing.rows(subscription)
    phases = [prorated(fee, part, period) for fee, part in _charged(subscription, rows, period)]
    return total([*phases, *_add_on_fees(subscription, period)])


def _charged(
    subscription: Subscription, phases: list[SubscriptionPhase], period: Period
) -> Iterator[tuple[Decimal, Period]]:
    """The fee and the part of the period of each phase that is charged, an open trial's time after it included."""
    assert period.end is not None
    for phase in phases:
        start, end = phase.starts_at, phase.ends_at or period.end
        if phase.kind == PhaseKind.TRIAL and phase.ends_at is None and subscription.trial_end:
            start = subscription.trial_end
        elif phase.kind != PhaseKind.CHARGED:
            continue
        part = Period(max(start, period.start), min(end, period.end))
        if part.end is not None and part.start < part.end:
            yield fee_of(phase.plan_version, subscription.currency), part


def fee_of(version: PlanVersion, currency: str) -> Decimal:
    """The fee of a version for a whole period, exact minor units; nothing where it has none."""
    price = terms.fee(version, currency)
    return price.amount if price else ZERO


def _add_on_fees(subscription: Subscription, period: Period) -> Iterator[Decimal]:
    assert period.end is not None
    for row in phasing.add_ons(subscription):
        if row.starts_at < period.end and (row.ends_at is None or row.ends_at > period.start):
            with exact_arithmetic():
                yield row.quantity * fee_of(row.plan_version, subscription.currency)


def _pools(subscription: Subscription, period: Period, now: datetime) -> Iterator[PoolForecast]:
    """Every pool of the period: only those of the open phase grow, and only while work is taken."""
    for counter, plugin, use in _uses(subscription, period):
        grows = counter.phase.ends_at is None and subscription.status in AT_WORK
        at_end = used_at_end(use, period, now) if grows else use.used
        cost = cost_at_end(use, at_end) if grows else use.quoted
        yield PoolForecast(counter.meter.slug, plugin, use.used, at_end, use.quoted, max(cost, use.quoted))


def _uses(subscription: Subscription, period: Period) -> list[tuple[QuotaCounter, str, PoolUse]]:
    """By pool and price, and by plugin where the price does not depend on how much came before."""
    events = UsageEvent.objects.for_tenant(subscription.tenant_id).filter(
        counter__subscription=subscription, counter__period_start=period.start, billable=True
    )
    grouped = events.order_by().values("counter_id", "price_id", "plugin")
    rows: list[Any] = list(grouped.annotate(units=Sum("metered"), cost=ExactSum("amount")))
    prices = terms.prices({row["price_id"] for row in rows})
    by_id = counters.by_id(subscription, period.start, {row["counter_id"] for row in rows})
    found: defaultdict[tuple[UUID, UUID, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for row in rows:
        counter, rule = by_id[row["counter_id"]], prices[row["price_id"]].rule
        key = (counter.id, row["price_id"], counter.plugin if rule.depends_on_position else row["plugin"])
        found[key] = (total([found[key][0], row["units"]]), total([found[key][1], row["cost"]]))
    groups = Counter(counter for counter, _price, _plugin in found)
    return [
        (by_id[counter], plugin, _use(by_id[counter], prices[price], *sums, alone=groups[counter] == 1))
        for (counter, price, plugin), sums in sorted(found.items())
    ]


def _use(counter: QuotaCounter, price: Price, used: Decimal, quoted: Decimal, *, alone: bool) -> PoolUse:
    """`alone` in its pool: only then does the pool's position tell where on its ladder a price stands."""
    use = PoolUse(price.rule, used, quoted, whole_units=counter.meter.aggregation != Aggregation.SUM)
    return replace(use, base=counter.base, included=counter.included) if alone else use
