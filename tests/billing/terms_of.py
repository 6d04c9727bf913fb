"""Subscriptions at chosen moments, for tests of time and change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing import catalogue, changes, clock, cycle, subscriptions
from billing.models import (
    BillingInterval,
    Entitlement,
    Invoice,
    InvoiceLine,
    Meter,
    Plan,
    PlanVersion,
    Price,
    Subscription,
    SubscriptionPhase,
)
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def sell(
    slug: str,
    fee: str | None,
    *,
    interval: BillingInterval = BillingInterval.MONTH,
    currencies: tuple[str, ...] = ("usd",),
    limit: int | None = None,
    hard: bool = False,
    trial_days: int = 0,
    price: str = "0",
) -> PlanVersion:
    """A published plan, or the next version of it: a fee and a price for each image."""
    with operator_context():
        plan = Plan.objects.get_or_create(slug=slug, defaults={"name": slug})[0]
        version = PlanVersion.objects.create(
            plan=plan,
            number=plan.versions.count() + 1,
            interval=interval,
            trial_days=trial_days,
            currency=currencies[0],
        )
        image = Meter.objects.get(slug="image")
        for currency in currencies:
            if fee is not None:
                Price.objects.create(plan_version=version, model="flat", amount=fee, currency=currency)
            Price.objects.create(plan_version=version, meter=image, amount=price, currency=currency)
        Entitlement.objects.create(plan_version=version, meter=image, limit=limit, hard=hard)
        return catalogue.publish(version, actor="test")


def subscribe(tenant: Tenant, slug: str, at: datetime, *, zone: str = "UTC", currency: str | None = None) -> None:
    with operator_context(), clock.at(at):
        Tenant.objects.filter(pk=tenant.pk).update(time_zone=zone)
        catalogue.subscribe(tenant.id, slug, actor="test", currency=currency)


@contextmanager
def acting(tenant: Tenant, at: datetime) -> Iterator[None]:
    with clock.at(at), tenant_context(tenant.id):
        yield


def act(tenant: Tenant, at: datetime, what: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """`what(tenant_id, ..., actor="test")` as the tenant at a moment."""
    with acting(tenant, at):
        return what(tenant.id, *arguments, **named, actor="test")


def change(tenant: Tenant, at: datetime, slug: str, when: changes.When = "now") -> Subscription:
    changed: Subscription = act(tenant, at, changes.change_plan, slug, when=when)
    return changed


def bring(to: datetime) -> list[Invoice]:
    with clock.at(to):
        return cycle.close_due(to)


def current(tenant: Tenant, at: datetime) -> Subscription | None:
    with acting(tenant, at):
        return subscriptions.subscription_of(tenant.id)


def totals(tenant: Tenant) -> list[tuple[datetime, datetime, int]]:
    """All invoices: from, until, subtotal."""
    with tenant_context(tenant.id):
        rows = Invoice.objects.order_by("period_start", "sequence")
        return list(rows.values_list("period_start", "period_end", "subtotal"))


def fees(tenant: Tenant) -> Decimal:
    """The exact sum of all fees that were invoiced."""
    with tenant_context(tenant.id):
        lines = InvoiceLine.objects.filter(code__in=("fee", "fee.part"))
        return sum(lines.values_list("exact", flat=True), Decimal(0))


def spans(tenant: Tenant) -> list[tuple[str, str, datetime, datetime | None]]:
    """The phases: plan, kind, from, until."""
    with tenant_context(tenant.id):
        rows = SubscriptionPhase.objects.order_by("starts_at", "ends_at")
        found = rows.values_list("plan_version__plan__slug", "kind", "starts_at", "ends_at")
        return sorted(found, key=lambda each: (each[2], each[3] is None, each[3] or each[2]))
