"""Wallets in tests: plans that are paid before or after, credits, caps, and what the database says of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing import catalogue, credits, customers, spending
from billing.models import (
    EVERY_PLUGIN,
    Aggregation,
    BillingInterval,
    CreditGrant,
    Entitlement,
    Funding,
    GrantKind,
    Meter,
    Plan,
    PlanVersion,
    Price,
)
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer

USD = "usd"
Tiers = list[tuple[str | None, str]]


def offer(
    slug: str,
    *,
    funding: Funding = Funding.INVOICED,
    aggregation: Aggregation = Aggregation.SUM,
    limit: int | None = None,
    hard: bool = False,
    tiers: Tiers | None = None,
    price: str = "10",
    plugins: tuple[str, ...] = (EVERY_PLUGIN,),
) -> PlanVersion:
    """A published monthly plan over a meter of its own, a pool for each of `plugins`."""
    with operator_context():
        version = PlanVersion.objects.create(
            plan=Plan.objects.create(slug=slug, name=slug), number=1, currency=USD, interval=BillingInterval.MONTH,
            funding=funding,
        )  # fmt: skip
        meter = Meter.objects.create(slug=f"{slug}-meter", unit="image", aggregation=aggregation)
        if tiers:
            steps = [{"up_to": up_to, "unit_amount": amount} for up_to, amount in tiers]
            Price.objects.create(plan_version=version, meter=meter, model="graduated", tiers=steps)
        else:
            Price.objects.create(plan_version=version, meter=meter, model="per_unit", amount=price)
        for plugin in plugins:
            Entitlement.objects.create(plan_version=version, plugin=plugin, meter=meter, limit=limit, hard=hard)
        return catalogue.publish(version, actor="test")


def give(
    customer: Customer,
    amount: Decimal | int | str,
    *,
    kind: GrantKind = GrantKind.PROMOTIONAL,
    priority: int = 50,
    expires_at: datetime | None = None,
    key: str | None = None,
) -> CreditGrant:
    """Credits for the customer."""
    with tenant_context(customer.id):
        return credits.grant(
            customer.id, Decimal(amount), USD, kind=kind, reason="welcome", actor="test", priority=priority,
            expires_at=expires_at, key=key,
        )  # fmt: skip


def take_back(customer: Customer, grant: CreditGrant) -> CreditGrant:
    with tenant_context(customer.id):
        return credits.void(grant, reason="given in error", actor="test")


def available(customer: Customer) -> Decimal:
    with tenant_context(customer.id):
        return credits.available(customer.id, USD)


def grants(customer: Customer) -> list[CreditGrant]:
    with tenant_context(customer.id):
        return credits.balances(customer.id)


def cap(customer: Customer, *, soft: int | None = None, hard: int | None = None) -> None:
    with tenant_context(customer.id):
        customers.set_caps(customer.id, soft=soft, hard=hard, actor="test")


def cost_so_far(customer: Customer) -> tuple[Decimal, Decimal]:
    """Spent and held."""
    with tenant_context(customer.id):
        state = spending.state(customer.id)
    assert state is not None
    return state.spent, state.held
