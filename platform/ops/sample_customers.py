"""Four customers with some months behind them, for a demonstration: one for each way to charge, and one prepaid.

Their work is bookkeeping only: no picture was analysed. Billing lives at the moments of the story while it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from billing import addons, changes, clock, credit_sales, credits, customers, cycle, invoices, quota
from billing.models import GrantKind, Invoice, InvoiceState
from ops.tenancy import create_customer
from tenants.context import operator_context, tenant_context
from tenants.ids import uuid7
from tenants.models import Membership

ACTOR = "operator:demo"
DIGITS, CHEST = "digits", "xray-chest-nodule"
WEEK = timedelta(days=7)
COMPUTE_MS = {DIGITS: 4, CHEST: 310}


@dataclass(slots=True)
class Story:
    """One customer, told from `begun` on in the order of time; `told` is how far. Invoices are paid `paid_after`."""

    tenant_id: UUID
    begun: datetime
    told: datetime
    paid_after: timedelta

    def day(self, number: int) -> datetime:
        """So many days after the beginning, at ten in the morning."""
        return (self.begun + timedelta(days=number)).replace(hour=10, minute=0)

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Live at `moment` as the customer, after what the weeks before it brought."""
        self.tell_until(moment)
        with clock.at(moment), tenant_context(self.tenant_id):
            yield

    def tell_until(self, moment: datetime) -> None:
        """Week by week, close what has ended and pay what is due."""
        while self.told < moment:
            self.told = min(moment, self.told + WEEK)
            with clock.at(self.told):
                cycle.close_due(self.told)
                self._pay()

    def _pay(self) -> None:
        with tenant_context(self.tenant_id):
            invoiced = Invoice.objects.for_tenant(self.tenant_id)
            for invoice in invoiced.filter(state=InvoiceState.OPEN, closed_at__lte=self.told - self.paid_after):
                invoices.mark_paid(invoice, actor=ACTOR)


def tell(owner_email: str, now: datetime) -> list[str]:
    """Make the customers that are missing, with their history up to `now`; the names of the new ones."""
    stories = {
        "Lakeside Clinic (per service)": ("per-service", 75, timedelta(days=10), per_service),
        "Northwind Imaging (prepaid)": ("prepaid", 40, timedelta(0), prepaid),
        "Harbor Diagnostics (per use)": ("pay-per-use", 100, timedelta(days=12), per_use),
        "Meridian Radiology (subscription)": ("team", 70, timedelta(days=5), subscription),
    }
    with operator_context():
        known = set(Membership.objects.filter(user__email=owner_email).values_list("tenant__name", flat=True))
    missing = [name for name in stories if name not in known]
    for name in missing:
        plan, days, paid_after, events = stories[name]
        begun = (now - timedelta(days=days)).astimezone(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
        with clock.at(begun):
            customer = create_customer(name, owner_email, plan)
        story = Story(customer.tenant.id, begun, begun, paid_after)
        events(story, now)
        story.tell_until(now)
    return missing


def per_service(story: Story, now: datetime) -> None:
    """A fixed price for each completed analysis, invoiced after the month; tax; the first invoice is paid."""
    with story.at(story.day(0)):
        customers.update_details(
            story.tenant_id, actor=ACTOR, name="Lakeside Clinic GmbH", line1="Seestraße 4", city="Berlin",
            postal_code="10115", country="DE", tax_percent=Decimal(19), tax_label="USt.", tax_id="DE000000000",
        )  # fmt: skip
    for day in range(2, 74, 3):
        _work(story, story.day(day), CHEST, "study", jobs=1 + day % 3)


def prepaid(story: Story, now: datetime) -> None:
    """Credits are bought, and burnt by each analysis; a promotion is burnt first."""
    with story.at(story.day(0)):
        sold = credit_sales.sell(story.tenant_id, 10_000, actor=ACTOR)
        invoices.mark_paid(sold, actor=ACTOR)
        credits.grant(
            story.tenant_id, Decimal(1_500), "usd", kind=GrantKind.PROMOTIONAL, reason="welcome", actor=ACTOR,
            priority=10, expires_at=story.day(90),
        )  # fmt: skip
    for day in range(1, 39, 4):
        _work(story, story.day(day), CHEST, "study", jobs=2)


def per_use(story: Story, now: datetime) -> None:
    """Metered images, cheaper by the tier, under a spending cap; the last invoice is still open."""
    with story.at(story.day(0)):
        customers.set_caps(story.tenant_id, soft=20_000, hard=40_000, actor=ACTOR)
    for day in range(1, 99, 2):
        _work(story, story.day(day), DIGITS, "image", jobs=1, quantity=Decimal(20 + day))
        _work(story, story.day(day), CHEST, "study", jobs=day % 2)


def subscription(story: Story, now: datetime) -> None:
    """A monthly fee with a quota; an add-on in the busy month, a pause, and a yearly plan from the next period on."""
    for day in range(1, 30, 2):
        _work(story, story.day(day), CHEST, "study", jobs=4)
    with story.at(story.day(33)):
        addons.add(story.tenant_id, "extra-100", 1, actor=ACTOR)
    for day in range(33, 44, 1):
        _work(story, story.day(day), CHEST, "study", jobs=11)
    with story.at(story.day(46)):
        changes.pause(story.tenant_id, actor=ACTOR)
    with story.at(story.day(53)):
        changes.resume(story.tenant_id, actor=ACTOR)
    for day in range(54, 69, 3):
        _work(story, story.day(day), CHEST, "study", jobs=3)
    with story.at(now):
        changes.change_plan(story.tenant_id, "team-yearly", when="period_end", actor=ACTOR)


def _work(story: Story, moment: datetime, plugin: str, unit: str, *, jobs: int, quantity: Decimal = Decimal(1)) -> None:
    """Finish `jobs` jobs of `quantity` units each, one minute apart."""
    for number in range(jobs):
        with story.at(moment + timedelta(minutes=number)):
            job_id = uuid7()
            quota.reserve(story.tenant_id, job_id=job_id, plugin=plugin, unit=unit, quantity=quantity)
            quota.settle(story.tenant_id, job_id=job_id, compute_ms=int(COMPUTE_MS[plugin] * quantity))
