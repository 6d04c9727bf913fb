"""Doing work in tests: tenants on plans, jobs that are reserved and settled."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from billing import catalogue, quota
from billing.models import (
    EVERY_PLUGIN,
    BillingInterval,
    Entitlement,
    Meter,
    Plan,
    PlanVersion,
    Price,
    Reservation,
    UsageEvent,
)
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant

ONE = Decimal(1)


@dataclass(frozen=True)
class Customer:
    """A tenant whose jobs all run one plugin."""

    tenant: Tenant
    plugin: str = "xray"
    unit: str = "image"

    @property
    def id(self) -> UUID:
        return self.tenant.id

    def reserve(self, quantity: Decimal | int = ONE, job_id: UUID | None = None, *, subject: str = "") -> Reservation:
        with tenant_context(self.id):
            return quota.reserve(
                self.id, job_id=job_id or uuid4(), plugin=self.plugin, unit=self.unit, quantity=Decimal(quantity),
                subject=subject,
            )  # fmt: skip

    def settle(self, job_id: UUID) -> UsageEvent:
        with tenant_context(self.id):
            return quota.settle(self.id, job_id=job_id)

    def release(self, job_id: UUID) -> bool:
        with tenant_context(self.id):
            return quota.release(self.id, job_id=job_id, reason="failed")

    def finish(self, quantity: Decimal | int = ONE) -> UsageEvent:
        """A whole job."""
        return self.settle(self.reserve(quantity).job_id)

    def estimate(self, quantity: Decimal | int = ONE, *, subject: str = "") -> quota.Estimate:
        with tenant_context(self.id):
            return quota.estimate(
                self.id, plugin=self.plugin, unit=self.unit, quantity=Decimal(quantity), subject=subject
            )

    def state(self) -> quota.QuotaState:
        """The only limit there is."""
        with tenant_context(self.id):
            (state,) = quota.states(self.id)
        return state


def on_plan(tenant: Tenant, slug: str, plugin: str = "xray", unit: str = "image") -> Customer:
    """The tenant, subscribed."""
    with operator_context():
        catalogue.subscribe(tenant, slug, actor="test")
    return Customer(tenant, plugin, unit)


def make_plan(
    slug: str,
    *,
    interval: BillingInterval = BillingInterval.MONTH,
    meter: str | None = "image",
    limit: int | None = None,
    hard: bool = False,
    max_in_flight: int | None = None,
    fee: str | None = None,
    price: str = "10",
    tiers: list[tuple[str | None, str]] | None = None,
) -> PlanVersion:
    """A published plan with one price and one entitlement for every plugin."""
    with operator_context():
        version = PlanVersion.objects.create(
            plan=Plan.objects.create(slug=slug, name=slug), number=1, currency="usd", interval=interval
        )
        counted = Meter.objects.get(slug=meter or "image")
        if tiers:
            steps = [{"up_to": up_to, "unit_amount": amount} for up_to, amount in tiers]
            Price.objects.create(plan_version=version, meter=counted, model="graduated", tiers=steps)
        else:
            Price.objects.create(plan_version=version, meter=counted, model="per_unit", amount=price)
        if fee is not None:
            Price.objects.create(plan_version=version, model="flat", amount=fee)
        Entitlement.objects.create(
            plan_version=version, plugin=EVERY_PLUGIN, meter=counted if meter else None,
            limit=limit, hard=hard, max_in_flight=max_in_flight,
        )  # fmt: skip
        return catalogue.publish(version, actor="test")
