"""From usage in the database to the invoice that charges it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, Sum

from billing import counters, coupon_codes, fees, terms
from billing.domain.invoicing import Bill, UsageGroup, bill
from billing.domain.money import ZERO, exact_arithmetic, total
from billing.domain.periods import Period
from billing.fields import ExactSum
from billing.models import (
    EVERY_PLUGIN,
    Aggregation,
    BilledUsage,
    BillingCustomer,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    Price,
    QuotaCounter,
    Redemption,
    Reservation,
    ReservationState,
    Subscription,
    SubscriptionStatus,
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


@dataclass(frozen=True, slots=True)
class Charge:
    """An invoice as it would be, the coupons behind its discounts, in the same order, and what credits have paid."""

    bill: Bill
    redemptions: list[Redemption]
    credited: Decimal


def charge_of(
    subscription: Subscription, customer: BillingCustomer, part: Period, usage: TenantQuerySet[UsageEvent]
) -> Charge:
    """What is due for `part` of a period with the usage given; the one computation of previews and invoices."""
    redemptions = coupon_codes.applicable(subscription)
    summed = _summed(usage)
    credited = total(row["credited"] for row in summed)
    made = bill(
        fees.fees_of(subscription, part),
        list(groups_of(subscription, part.start, summed)) if summed else [],
        credited,
        [coupon_codes.discount(redemption.coupon) for redemption in redemptions],
        customer.tax_percent,
    )
    return Charge(made, redemptions, credited)


def unbilled(tenant_id: UUID, currency: str) -> TenantQuerySet[UsageEvent]:
    """The tenant's billable work that stands on no invoice, of this and of ended subscriptions in the same currency."""
    standing = BilledUsage.objects.for_tenant(tenant_id).filter(usage_event=OuterRef("pk"), stands=True)
    events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(tenant_id).filter(
        ~Exists(standing), billable=True, currency=currency
    )
    return events


def late(now: datetime) -> Q:
    """The ended subscriptions, of all tenants, whose late work has to be invoiced for itself: all of it has ended, and
    no invoice of a later subscription will take it up.
    """
    standing = BilledUsage.objects.filter(usage_event=OuterRef("pk"), stands=True)
    waiting = UsageEvent.objects.filter(
        ~Exists(standing), tenant=OuterRef("tenant"), subscription=OuterRef("pk"), billable=True, occurred_at__lt=now
    )
    # by the index of time: a day before, for what was being written while the last period was closed
    since = ExpressionWrapper(OuterRef("canceled_at") - timedelta(days=1), output_field=DateTimeField())
    voided = Invoice.objects.filter(tenant=OuterRef("tenant"), kind=InvoiceKind.PERIOD, state=InvoiceState.VOID)
    held = Reservation.objects.filter(counter__subscription=OuterRef("pk"), state=ReservationState.HELD)
    following = Subscription.objects.filter(
        tenant=OuterRef("tenant"), currency=OuterRef("currency"), current_period_end__isnull=False
    ).exclude(status=SubscriptionStatus.CANCELED)
    some = Q(Exists(waiting.filter(occurred_at__gte=since))) | Q(Exists(voided)) & Q(Exists(waiting))
    ended = Q(status=SubscriptionStatus.CANCELED, billed_until__gte=F("canceled_at"), billed_until__lt=now)
    return ended & some & ~Exists(held) & ~Exists(following)


def _summed(usage: TenantQuerySet[UsageEvent]) -> list[dict[str, Any]]:
    """The usage by counter, price and plugin."""
    if usage.query.is_empty():
        return []
    rows = usage.order_by().values("counter_id", "price_id", "plugin")
    summed: list[Any] = list(
        rows.annotate(quantity=Sum("metered"), exact=ExactSum("amount"), credited=ExactSum("credited"))
    )
    return summed


def groups_of(subscription: Subscription, period_start: datetime, summed: list[dict[str, Any]]) -> Iterator[UsageGroup]:
    """The usage by pool and price, and by plugin where the price does not depend on how much came before."""
    prices = terms.prices({row["price_id"] for row in summed})
    known = counters.by_id(subscription, period_start, {row["counter_id"] for row in summed})
    billed = _billed(subscription.tenant_id, known)
    alone = _alone([*((row["counter_id"], row["price_id"]) for row in summed), *_pairs(billed)])
    subtotals = _subtotals(summed, prices, known, alone)
    for key in sorted(subtotals, key=lambda key: (known[key.counter].period_start, key.plugin, str(key.price))):
        price, counter, now, before = prices[key.price], known[key.counter], subtotals[key], billed[key]
        yield UsageGroup(
            counter=key.counter, price=key.price, plugin=key.plugin,
            meter=counter.meter.slug, counts_analyses=counter.meter.aggregation == Aggregation.COUNT, rule=price.rule,
            quantity=now.quantity, quoted=now.exact, billed_quantity=before.quantity, billed=before.exact,
            prior=counter.period_start < period_start, base=counter.base,
            # where several prices draw on a pool, their quotes have shared the included units already
            included=counter.included if counter.id in alone else ZERO,
        )  # fmt: skip


def _subtotals(
    rows: Iterable[dict[str, Any]],
    prices: Mapping[UUID, Price],
    known: Mapping[UUID, QuotaCounter],
    alone: set[UUID],
) -> dict[GroupKey, Subtotal]:
    found: defaultdict[GroupKey, Subtotal] = defaultdict(Subtotal)
    for row in rows:
        price, counter = prices[row["price_id"]], known[row["counter_id"]]
        by_position = price.rule.depends_on_position or (counter.included and counter.id in alone)
        plugin = counter.plugin if by_position else row["plugin"]
        found[GroupKey(counter.id, price.id, plugin)].add(row["quantity"], row["exact"])
    return found


def _alone(pairs: Iterable[tuple[UUID, UUID]]) -> set[UUID]:
    """The counters on which only one price is drawn."""
    prices: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for counter, price in pairs:
        prices[counter].add(price)
    return {counter for counter, found in prices.items() if len(found) == 1}


def _pairs(billed: Iterable[GroupKey]) -> Iterator[tuple[UUID, UUID]]:
    return ((key.counter, key.price) for key in billed)


def _billed(tenant_id: UUID, known: Iterable[UUID]) -> defaultdict[GroupKey, Subtotal]:
    """What invoices that stand have charged for the pools so far."""
    found: defaultdict[GroupKey, Subtotal] = defaultdict(Subtotal)
    lines = InvoiceLine.objects.for_tenant(tenant_id).filter(counter__in=list(known))
    standing = lines.exclude(invoice__state=InvoiceState.VOID)
    for line in standing.values("counter_id", "price_id", "plugin", "quantity", "exact"):
        found[GroupKey(line["counter_id"], line["price_id"], line["plugin"])].add(line["quantity"], line["exact"])
    return found


def work_behind(line: InvoiceLine) -> TenantQuerySet[UsageEvent]:
    """The work that a line charges, or that credits have paid; nothing for a fee."""
    on_invoice: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(line.tenant_id).filter(
        billed__invoice=line.invoice_id
    )
    if line.code == "credits":
        return on_invoice.exclude(credited=ZERO)
    events = on_invoice.filter(counter=line.counter_id, price=line.price_id)
    return events if line.plugin in ("", EVERY_PLUGIN) else events.filter(plugin=line.plugin)
