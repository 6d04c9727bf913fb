"""A small business for the figures: customers with phases, work and credits in May 2027."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from billing import clock, credits, figures, quota
from billing.figures import Figures
from billing.models import (
    BillingInterval,
    CreditGrant,
    GrantKind,
    PhaseKind,
    Plan,
    PlanVersion,
    Price,
    Subscription,
    SubscriptionPhase,
)
from tenants.context import operator_context
from tenants.models import Tenant
from tests.billing.work import on_plan

APRIL, MAY, JUNE = (datetime(2027, month, 1, tzinfo=UTC) for month in (4, 5, 6))
MIDDLE = datetime(2027, 5, 16, tzinfo=UTC)


@pytest.fixture
def early_june(db: None) -> Iterator[None]:
    """As the operator, on the second of June."""
    with operator_context(), clock.at(JUNE + timedelta(days=1)):
        yield


def customer(name: str) -> Tenant:
    made: Tenant = Tenant.objects.create(name=name)
    return made


def fee(
    slug: str, amount: int, interval: BillingInterval = BillingInterval.MONTH, currency: str = "usd"
) -> PlanVersion:
    """A draft with a fee is all that the figures look at."""
    plan = Plan.objects.create(slug=slug, name=slug)
    version = PlanVersion.objects.create(plan=plan, number=1, interval=interval, currency=currency)
    Price.objects.create(plan_version=version, model="flat", amount=amount, currency=currency)
    return version


def subscribe(tenant: Tenant, *spans: tuple[PlanVersion, PhaseKind, datetime, datetime | None]) -> Subscription:
    """A subscription of the given phases."""
    first, last = spans[0], spans[-1]
    subscription: Subscription = Subscription.objects.create(
        tenant=tenant, plan_version=last[0], currency=last[0].currency, anchor=first[2], billed_until=first[2],
        current_period_start=first[2], status="canceled" if last[3] else "active",
    )  # fmt: skip
    for version, kind, starts_at, ends_at in spans:
        SubscriptionPhase.objects.create(
            tenant=tenant, subscription=subscription, plan_version=version, kind=kind, starts_at=starts_at,
            ends_at=ends_at,
        )  # fmt: skip
    return subscription


def may(currency: str = "usd") -> Figures:
    (found,) = figures.of_month(MAY, currency)
    return found


def charged(version: PlanVersion, since: datetime, until: datetime | None = None) -> Any:
    return version, PhaseKind.CHARGED, since, until


def use(tenant: Tenant, plugin: str, quantity: int, ms: int | None, at: datetime = MIDDLE) -> None:
    """One finished job at 10 a unit; the tenant is on the plan."""
    job_id = uuid4()
    with clock.at(at):
        quota.reserve(tenant.id, job_id=job_id, plugin=plugin, unit="image", quantity=Decimal(quantity))
        quota.settle(tenant.id, job_id=job_id, compute_ms=ms)


def user(name: str) -> Tenant:
    """A customer of a plan that charges 10 for each image, since April."""
    tenant = customer(name)
    with clock.at(APRIL):
        on_plan(tenant, "units")
    return tenant


def grant(tenant: Tenant, amount: int, priority: int = 50) -> CreditGrant:
    return credits.grant(
        tenant.id, Decimal(amount), "usd", kind=GrantKind.PROMOTIONAL, reason="welcome", actor="test", priority=priority
    )
