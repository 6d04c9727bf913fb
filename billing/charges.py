"""From usage in the database to the lines that charge it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Sum

from billing import subscriptions
from billing.domain.invoicing import Line, UsageGroup, fee_line, usage_lines
from billing.domain.money import ZERO, exact_arithmetic, round_half_up
from billing.domain.periods import Period
from billing.domain.proration import prorated
from billing.fields import ExactSum
from billing.models import (
    Aggregation,
    BilledUsage,
    InvoiceLine,
    InvoiceState,
    PhaseKind,
    Price,
    QuotaCounter,
    Subscription,
    UsageEvent,
)
from tenants.querysets import TenantQuerySet


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What a line stands for. `plugin` is the pool's ("*" or a slug) where plugins climb one ladder together."""

    counter: UUID
    price: UUID
    plugin: str


@dataclass(slots=True)
class Subtotal:
    """Units and exact minor units, added up."""

    quantity: Decimal = ZERO
    exact: Decimal = ZERO

    def add(self, quantity: Decimal, exact: Decimal) -> None:
        with exact_arithmetic():
            self.quantity += quantity
            self.exact += exact


def unbilled(subscription: Subscription) -> TenantQuerySet[UsageEvent]:
    """The tenant's billable work that stands on no invoice, of this and of ended subscriptions in the same currency."""
    standing = BilledUsage.objects.for_tenant(subscription.tenant_id).filter(usage_event=OuterRef("pk"), stands=True)
    events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(subscription.tenant_id).filter(
        ~Exists(standing), billable=True, currency=subscription.currency
    )
    return events


def lines_of(subscription: Subscription, part: Period, usage: TenantQuerySet[UsageEvent]) -> list[Line]:
    """The fees of the period, where there are any, then the lines of the usage."""
    lines = list(_fee_lines(subscription, part))
    for group in groups_of(subscription.tenant_id, part.start, usage):
        lines += usage_lines(group)
    return lines


def _fee_lines(subscription: Subscription, part: Period) -> Iterator[Line]:
    whole = subscriptions.part_at(subscription, part.start).whole
    for phase in subscriptions.phases(subscription, part):
        fee = phase.plan_version.prices.filter(meter__isnull=True, currency=subscription.currency).first()
        if fee is None or phase.kind != PhaseKind.CHARGED:
            continue
        ends = [end for end in (phase.ends_at, part.end) if end is not None]
        span = Period(max(phase.starts_at, part.start), min(ends, default=None))
        exact = fee.amount if whole.end is None else prorated(fee.amount, span, whole)
        yield replace(fee_line(phase.plan_version.plan.name, fee.amount), exact=exact, amount=round_half_up(exact))


def groups_of(tenant_id: UUID, period_start: datetime, usage: TenantQuerySet[UsageEvent]) -> Iterator[UsageGroup]:
    """The usage by pool and price, and by plugin where the price does not depend on how much came before."""
    rows = usage.order_by().values("counter_id", "price_id", "plugin")
    summed: list[Any] = list(rows.annotate(quantity=Sum("metered"), exact=ExactSum("amount")))
    prices = Price.objects.in_bulk({row["price_id"] for row in summed})
    counters = _counters(tenant_id, {row["counter_id"] for row in summed})
    subtotals = _subtotals(summed, prices, counters)
    billed = _billed(tenant_id, counters)
    for key in sorted(subtotals, key=lambda key: (counters[key.counter].period_start, key.plugin, str(key.price))):
        price, counter, now, before = prices[key.price], counters[key.counter], subtotals[key], billed[key]
        yield UsageGroup(
            counter=key.counter, price=key.price, plugin=key.plugin,
            meter=counter.meter.slug, counts_analyses=counter.meter.aggregation == Aggregation.COUNT, rule=price.rule,
            quantity=now.quantity, quoted=now.exact, billed_quantity=before.quantity, billed=before.exact,
            prior=counter.period_start < period_start,
        )  # fmt: skip


def _subtotals(
    rows: Iterable[dict[str, Any]], prices: dict[UUID, Price], counters: dict[UUID, QuotaCounter]
) -> dict[GroupKey, Subtotal]:
    found: defaultdict[GroupKey, Subtotal] = defaultdict(Subtotal)
    for row in rows:
        price, counter = prices[row["price_id"]], counters[row["counter_id"]]
        plugin = counter.plugin if price.rule.depends_on_position else row["plugin"]
        found[GroupKey(counter.id, price.id, plugin)].add(row["quantity"], row["exact"])
    return found


def _counters(tenant_id: UUID, ids: set[UUID]) -> dict[UUID, QuotaCounter]:
    rows = QuotaCounter.objects.for_tenant(tenant_id).select_related("meter").filter(pk__in=ids)
    return {counter.id: counter for counter in rows}


def _billed(tenant_id: UUID, counters: Iterable[UUID]) -> defaultdict[GroupKey, Subtotal]:
    """What invoices that stand have charged for the pools so far."""
    found: defaultdict[GroupKey, Subtotal] = defaultdict(Subtotal)
    lines = InvoiceLine.objects.for_tenant(tenant_id).filter(counter__in=list(counters))
    standing = lines.exclude(invoice__state=InvoiceState.VOID)
    for line in standing.values("counter_id", "price_id", "plugin", "quantity", "exact"):
        found[GroupKey(line["counter_id"], line["price_id"], line["plugin"])].add(line["quantity"], line["exact"])
    return found
