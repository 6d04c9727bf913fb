"""What the tables add up to, by currency: the raw material of the operator's figures, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import TruncMonth

from billing import clock
from billing.domain.figures import Age, Recurring, age_bounds, annual
from billing.domain.money import ZERO
from billing.domain.periods import Interval, Period
from billing.fields import ExactSum
from billing.models import (
    Account,
    CreditGrant,
    Invoice,
    InvoiceState,
    LedgerEntry,
    PhaseKind,
    Price,
    SubscriptionAddOn,
    SubscriptionPhase,
    UsageEvent,
)

RowT = TypeVar("RowT")
Row = dict[str, Any]
Fees = dict[tuple[UUID, str], Decimal]


class Tallies(NamedTuple):
    """Each table's rows by currency."""

    fees: dict[str, list[Recurring]]
    usage: dict[str, list[Row]]
    grants: dict[str, list[Row]]
    earned: dict[str, list[Row]]
    balances: dict[str, list[Row]]
    debts: dict[str, list[Row]]


def read(since: datetime, period: Period) -> Tallies:
    """Fees and use from `since` to the period's end, the rest of the period; debts of the present."""
    return Tallies(
        fees=_by_currency(_fees(since)),
        usage=_grouped(_usage(since, period)),
        grants=_grouped(_grants(period)),
        earned=_grouped(_earned(period)),
        balances=_grouped(_balances(period)),
        debts=_grouped(_debts(clock.now())),
    )


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    return _by_currency((row["currency"], row) for row in rows)


def _by_currency(rows: Iterable[tuple[str, RowT]]) -> dict[str, list[RowT]]:
    found: dict[str, list[RowT]] = {}
    for currency, row in rows:
        found.setdefault(currency, []).append(row)
    return found


def _fees(since: datetime) -> Iterator[tuple[str, Recurring]]:
    """The fees of all phases that have not ended before `since`, trials left out, and those of add-ons beside them."""
    lasting = Q(ends_at__isnull=True) | Q(ends_at__gt=since)
    fees = {(price.plan_version_id, price.currency): price.amount for price in Price.objects.filter(meter=None)}
    phases = SubscriptionPhase.objects.filter(lasting).exclude(kind=PhaseKind.TRIAL)
    charged: dict[UUID, list[SubscriptionPhase]] = {}
    for phase in phases.select_related("subscription", "plan_version").order_by():
        yield _recurring(phase, fees, 1 if phase.kind == PhaseKind.CHARGED else 0, phase.starts_at, phase.ends_at)
        if phase.kind == PhaseKind.CHARGED:
            charged.setdefault(phase.subscription_id, []).append(phase)
    for row in SubscriptionAddOn.objects.filter(lasting).select_related("subscription", "plan_version").order_by():
        for phase in charged.get(row.subscription_id, []):
            ends = [end for end in (row.ends_at, phase.ends_at) if end is not None]
            starts = max(row.starts_at, phase.starts_at)
            yield _recurring(row, fees, row.quantity, starts, min(ends, default=None))


def _recurring(
    row: SubscriptionPhase | SubscriptionAddOn, fees: Fees, quantity: int, starts: datetime, ends: datetime | None
) -> tuple[str, Recurring]:
    currency = row.subscription.currency
    fee = fees.get((row.plan_version_id, currency), ZERO)
    yearly = annual(fee, Interval(row.plan_version.interval), quantity)
    return currency, Recurring(row.tenant_id, yearly, starts, ends)


def _usage(since: datetime, period: Period) -> Iterable[Row]:
    """By month and plugin: what was charged for billable work, and the processor time of all work."""
    events = UsageEvent.objects.filter(occurred_at__gte=since, occurred_at__lt=period.end).order_by()
    rows = events.annotate(month=TruncMonth("occurred_at", tzinfo=UTC)).values("currency", "plugin", "month")
    billable = Q(billable=True)
    summed: Iterable[Row] = rows.annotate(
        jobs=Count("id", filter=billable), exact=ExactSum("amount", filter=billable),
        burnt=ExactSum("credited", filter=billable), ms=Sum("compute_ms"),
        unmeasured=Count("id", filter=Q(compute_ms__isnull=True)),
    )  # fmt: skip
    return summed


def _grants(period: Period) -> Iterable[Row]:
    grants = CreditGrant.objects.filter(created_at__gte=period.start, created_at__lt=period.end).order_by()
    rows: Iterable[Row] = grants.values("currency", "kind").annotate(sum=ExactSum("amount"))
    return rows


def _earned(period: Period) -> Iterable[Row]:
    """What was earned and what broke, by customer."""
    entries = LedgerEntry.objects.filter(
        account__in=(Account.REVENUE, Account.BREAKAGE),
        transaction__occurred_at__gte=period.start, transaction__occurred_at__lt=period.end,
    ).order_by()  # fmt: skip
    by_customer = entries.values("currency", "account", "tenant_id", "tenant__name")
    rows: Iterable[Row] = by_customer.annotate(sum=ExactSum("amount"))
    return rows


def _balances(period: Period) -> Iterable[Row]:
    entries = LedgerEntry.objects.filter(account=Account.CREDIT, transaction__occurred_at__lt=period.end).order_by()
    rows: Iterable[Row] = entries.values("currency").annotate(sum=ExactSum("amount"))
    return rows


def _debts(now: datetime) -> Iterable[Row]:
    whens = [When(due_at__gte=earliest, then=Value(age.value)) for earliest, age in age_bounds(now)]
    undated = When(due_at__isnull=True, then=Value(Age.NOT_DUE.value))
    aged = Invoice.objects.filter(state=InvoiceState.OPEN).annotate(
        age=Case(undated, *whens, default=Value(Age.OLDER.value))
    )
    owed = Sum(F("total") - F("amount_paid") - F("amount_credited"))
    rows: Iterable[Row] = aged.order_by().values("currency", "age").annotate(invoices=Count("id"), due=owed)
    return rows
