"""Reading what has been used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from billing.domain.money import round_half_up, total
from billing.fields import ExactSum
from billing.models import UsageEvent
from tenants.querysets import TenantQuerySet


@dataclass(frozen=True, slots=True)
class UsageSum:
    """The finished work of one plugin on one meter; `amount` is `exact` half up, minor units of `currency`.

    `credited` (exact) is the part of it that was paid from credits.
    """

    meter: str
    plugin: str
    currency: str
    jobs: int
    quantity: Decimal
    exact: Decimal
    amount: int
    credited: Decimal


@dataclass(frozen=True, slots=True)
class DaySum:
    """The finished work of one day in one currency; exact minor units."""

    day: date
    currency: str
    jobs: int
    exact: Decimal


def summary(tenant_id: UUID, *, since: datetime | None = None, until: datetime | None = None) -> list[UsageSum]:
    """The tenant's use in [since, until), by meter, plugin and currency."""
    events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(tenant_id)
    if since is not None:
        events = events.filter(occurred_at__gte=since)
    if until is not None:
        events = events.filter(occurred_at__lt=until)
    return summed(events)


def summed(events: TenantQuerySet[UsageEvent]) -> list[UsageSum]:
    """Events added up by meter, plugin and currency."""
    ordered = events.order_by("meter__slug", "plugin", "currency")
    rows = ordered.values("meter__slug", "plugin", "currency").annotate(
        jobs=Count("id"), units=Sum("metered"), exact=ExactSum("amount"), paid=ExactSum("credited")
    )
    return [
        UsageSum(
            meter=row["meter__slug"],
            plugin=row["plugin"],
            currency=row["currency"],
            jobs=row["jobs"],
            quantity=row["units"],
            exact=row["exact"],
            amount=round_half_up(row["exact"]),
            credited=row["paid"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class PeriodUse:
    """The use of a period, added up by meter, plugin and currency, and by day and currency."""

    sums: list[UsageSum]
    days: list[DaySum]


def of_period(tenant_id: UUID, *, since: datetime, zone: tzinfo) -> PeriodUse:
    """The tenant's use from `since` on, days of `zone`, oldest first; of one statement."""
    events = UsageEvent.objects.for_tenant(tenant_id).filter(occurred_at__gte=since)
    rows = events.annotate(day=TruncDate("occurred_at", tzinfo=zone)).order_by("day")
    parts = rows.values("day", "meter__slug", "plugin", "currency").annotate(
        jobs=Count("id"), units=Sum("metered"), exact=ExactSum("amount"), paid=ExactSum("credited")
    )
    by_kind: defaultdict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    by_date: defaultdict[tuple[date, str], list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        by_kind[part["meter__slug"], part["plugin"], part["currency"]].append(part)
        by_date[part["day"], part["currency"]].append(part)
    return PeriodUse(
        [_sum(*key, some) for key, some in sorted(by_kind.items())],
        [
            DaySum(day, currency, sum(each["jobs"] for each in some), total(each["exact"] for each in some))
            for (day, currency), some in sorted(by_date.items())
        ],
    )


def _sum(meter: str, plugin: str, currency: str, parts: list[dict[str, Any]]) -> UsageSum:
    exact = total(each["exact"] for each in parts)
    return UsageSum(
        meter=meter, plugin=plugin, currency=currency, jobs=sum(each["jobs"] for each in parts),
        quantity=total(each["units"] for each in parts), exact=exact, amount=round_half_up(exact),
        credited=total(each["paid"] for each in parts),
    )  # fmt: skip


def of_jobs(tenant_id: UUID, job_ids: Iterable[UUID]) -> dict[UUID, UsageEvent]:
    """The usage event of each job that has one, with its meter."""
    events = UsageEvent.objects.for_tenant(tenant_id).select_related("meter").filter(job_id__in=list(job_ids))
    return {event.job_id: event for event in events}
