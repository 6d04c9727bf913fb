"""Does every place say the same? Usage, outbox, the provider's meters, the ledger, and invoices.

Our sums are made by the database, one statement for each kind; the provider is asked outside of transactions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Concat, Replace, TruncDate

from billing import clock, providers
from billing.delivery.usage import METERED
from billing.domain.money import ZERO
from billing.domain.reconciling import FINE, Stream, verdict
from billing.fields import ExactSum
from billing.models import (
    BilledUsage,
    BillingCustomer,
    OutboxMessage,
    OutboxState,
    ReconciliationItem,
    ReconciliationRun,
    UsageEvent,
)
from billing.providers.base import Rejected, TryAgain
from billing.reconciliation import invoices, ledger, meters
from tenants.context import operator_context

YOUNG = timedelta(hours=2)
DAY = timedelta(days=1)
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Key:
    """A stream of use."""

    tenant: UUID
    meter: str
    day: date


@dataclass(slots=True)
class Sums:
    """What our own tables say of a stream, units and exact minor units."""

    ours: Decimal = ZERO
    delivered: Decimal = ZERO
    metered: Decimal = ZERO
    on_the_way: Decimal = ZERO
    just_delivered: Decimal = ZERO
    invoiced: Decimal = ZERO
    amount: Decimal = ZERO
    plugins: set[str] = field(default_factory=set)


def run(since: datetime, until: datetime, provider: str | None = None) -> ReconciliationRun:
    """Compare whole UTC days from that of `since` to that of `until`; only customers of `provider` where it is named.

    The run and its items are kept. One that could not ask the provider ends with an `error`.
    """
    start, end = _days(since, until)
    with operator_context():
        made = ReconciliationRun.objects.create(
            provider=provider or "all", since=start, until=end, started_at=clock.now()
        )
        sums = _sums(start, end, provider)
    error = ""
    counted: dict[Key, Decimal] = {}
    try:
        counted = _counted(start, end, provider)
    except (TryAgain, Rejected, providers.NoSuchProvider) as failure:
        error = f"the provider could not be asked: {failure}"[:300]
    with operator_context():
        items = [_item(made, key, sums.get(key, Sums()), counted.get(key)) for key in sorted_keys(sums, counted)]
        items += invoices.items(made, start, end, provider)
        items += ledger.items(made, start, end, provider)
        ReconciliationItem.objects.bulk_create(items, batch_size=BATCH)
        made.totals, made.error, made.finished_at = _totals(items), error, clock.now()
        made.save(update_fields=["totals", "error", "finished_at"])
    return made


def fine(made: ReconciliationRun) -> bool:
    """Whether nothing needs a person."""
    verdicts: dict[str, int] = made.totals.get("verdicts", {})
    return not made.error and all(not count for name, count in verdicts.items() if name not in FINE)


def sorted_keys(sums: dict[Key, Sums], counted: dict[Key, Decimal]) -> list[Key]:
    """Every stream that any place knows."""
    return sorted(sums.keys() | counted.keys(), key=lambda key: (key.day, str(key.tenant), key.meter))


def _days(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    start = datetime.combine(since.astimezone(UTC).date(), time(tzinfo=UTC))
    end = datetime.combine(until.astimezone(UTC).date(), time(tzinfo=UTC))
    return start, end if end >= until else end + DAY


def _sums(start: datetime, end: datetime, provider: str | None) -> dict[Key, Sums]:
    young = clock.now() - YOUNG
    key = Concat(Value("usage:"), Replace(Cast("id", CharField()), Value("-"), Value("")))
    message = OutboxMessage.objects.filter(key=OuterRef("message_key"))
    arrived = message.filter(state=OutboxState.DELIVERED)
    events = _events(start, end, provider).annotate(
        message_key=key,
        arrived=Exists(arrived),
        by_meter=Exists(arrived.filter(payload__export=METERED)),
        fresh=Exists(arrived.filter(delivered_at__gt=young, payload__export=METERED)),
        on_invoice=Exists(BilledUsage.objects.filter(usage_event=OuterRef("pk"), stands=True)),
        day=TruncDate("occurred_at", tzinfo=UTC),
    )
    rows = events.order_by().values("tenant_id", "meter__slug", "day").annotate(
        ours=Sum("metered"),
        delivered=Sum("metered", filter=Q(arrived=True)),
        counted=Sum("metered", filter=Q(by_meter=True)),
        on_the_way=Sum("metered", filter=Q(arrived=False, occurred_at__gt=young)),
        just_delivered=Sum("metered", filter=Q(fresh=True)),
        invoiced=Sum("metered", filter=Q(on_invoice=True)),
        exact=ExactSum("amount"),
    )  # fmt: skip
    return {
        Key(row["tenant_id"], row["meter__slug"], row["day"]): Sums(
            row["ours"], row["delivered"] or ZERO, row["counted"] or ZERO, row["on_the_way"] or ZERO,
            row["just_delivered"] or ZERO, row["invoiced"] or ZERO, row["exact"],
        )
        for row in rows
    }  # fmt: skip


def _events(start: datetime, end: datetime, provider: str | None) -> QuerySet[UsageEvent]:
    events: QuerySet[UsageEvent] = UsageEvent.objects.filter(billable=True, occurred_at__gte=start, occurred_at__lt=end)
    return events if provider is None else events.filter(tenant__in=customers_of(provider))


def customers_of(provider: str) -> QuerySet[BillingCustomer, Any]:
    """The tenants from whom a provider collects."""
    rows: QuerySet[BillingCustomer, Any] = BillingCustomer.objects.filter(provider=provider)
    return rows.values("tenant")


def _counted(start: datetime, end: datetime, provider: str | None) -> dict[Key, Decimal]:
    """What the providers count, by our streams."""
    found: dict[Key, Decimal] = {}
    for each in meters.counted(start, end, provider):
        key = Key(each.tenant, each.meter, each.day)
        found[key] = found.get(key, ZERO) + each.units
    return found


def _item(made: ReconciliationRun, key: Key, sums: Sums, counted: Decimal | None) -> ReconciliationItem:
    known = counted if counted is not None or not sums.metered or made.error else ZERO
    stream = Stream(sums.ours, sums.delivered, sums.metered, sums.on_the_way, sums.just_delivered, known)
    return ReconciliationItem(
        run=made, tenant_id=key.tenant, subject="usage", meter=key.meter, day=key.day, verdict=verdict(stream).value,
        ours=sums.ours, delivered=sums.delivered, theirs=known, invoiced=sums.invoiced, our_amount=sums.amount,
        note="" if sums.metered == sums.delivered else f"{sums.metered} of it counted by the provider",
    )  # fmt: skip


def _totals(items: list[ReconciliationItem]) -> dict[str, object]:
    usage = [item for item in items if item.subject == "usage"]
    sums = {name: str(sum((getattr(item, name) for item in usage), ZERO)) for name in ("ours", "delivered", "invoiced")}
    return {"verdicts": dict(Counter(str(item.verdict) for item in items)), "usage": sums, "items": len(items)}


def message_of(item: ReconciliationItem) -> str:
    """One line for a person."""
    where = item.meter and f"{item.meter} {item.day}"
    return f"{item.verdict}: {item.subject} {where} {item.note}".strip()
