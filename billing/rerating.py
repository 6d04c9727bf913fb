"""What finished work would have cost by another version of a plan: the price list, in one go, without quotes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from billing import addons, terms
from billing.domain.money import ZERO, exact_arithmetic, total
from billing.domain.periods import Period
from billing.domain.rating import PriceRule, rate
from billing.errors import FeatureNotInPlan
from billing.models import Aggregation, PlanVersion, Subscription, UsageEvent
from billing.terms import Terms


@dataclass(frozen=True, slots=True)
class Job:
    """A finished job: `quantity` in the plugin's `unit`; `subject` is what a meter of unique subjects tells apart."""

    plugin: str
    unit: str
    quantity: Decimal
    subject: str


@dataclass(frozen=True, slots=True)
class Rated:
    """Exact minor units; `lost` are plugins that the version does not cover."""

    amount: Decimal
    lost: list[str]


@dataclass(slots=True)
class Pool:
    """The work that one limit counts together, in its order; `free` are the units of add-ons that are left."""

    aggregation: Aggregation
    free: Decimal
    highest: Decimal = ZERO
    subjects: set[str] = field(default_factory=set)
    charged: dict[UUID, tuple[PriceRule, Decimal]] = field(default_factory=dict)

    def take(self, job: Job, price: UUID, rule: PriceRule) -> None:
        """Count a job at its price, after the units that are free."""
        with exact_arithmetic():
            metered = self._metered(job)
            free = min(self.free, metered)
            self.free -= free
            _rule, before = self.charged.get(price, (rule, ZERO))
            self.charged[price] = rule, before + metered - free

    def amount(self) -> Decimal:
        """What all of it costs."""
        return total(rate(rule, quantity) for rule, quantity in self.charged.values())

    def _metered(self, job: Job) -> Decimal:
        """What the meter adds for a job."""
        match self.aggregation:
            case Aggregation.COUNT:
                return Decimal(1)
            case Aggregation.SUM:
                return job.quantity
            case Aggregation.MAX:
                before, self.highest = self.highest, max(self.highest, job.quantity)
                return self.highest - before
            case Aggregation.UNIQUE:
                new = job.subject not in self.subjects
                self.subjects.add(job.subject)
                return Decimal(int(new))


def work_of(subscription: Subscription, period: Period) -> list[Job]:
    """The billable work that was finished in a period."""
    events = UsageEvent.objects.for_tenant(subscription.tenant_id).filter(
        subscription=subscription, billable=True, occurred_at__gte=period.start
    )
    ended = events if period.end is None else events.filter(occurred_at__lt=period.end)
    columns = ("plugin", "unit", "quantity", "reservation__subject")
    return [Job(*row) for row in ended.order_by("occurred_at", "id").values_list(*columns)]


def rate_work(work: Iterable[Job], subscription: Subscription, version: PlanVersion, period: Period) -> Rated:
    """What the work of a period costs by a version's price list, with the add-ons that the subscription had."""
    pools: dict[tuple[str, UUID], Pool] = {}
    lost: set[str] = set()
    for job in work:
        try:
            found = terms.find(version, job.plugin, job.unit, subscription.currency)
        except FeatureNotInPlan:
            lost.add(job.plugin)
            continue
        key = found.entitlement.plugin, found.meter.id
        if key not in pools:
            pools[key] = _pool(subscription, found, period)
        pools[key].take(job, found.price.id, found.rule)
    return Rated(total(pool.amount() for pool in pools.values()), sorted(lost))


def _pool(subscription: Subscription, found: Terms, period: Period) -> Pool:
    plugin, meter = found.entitlement.plugin, found.meter
    rows = [(row.quantity, row.plan_version) for row in addons.touching(subscription, period)]
    with exact_arithmetic():
        free = sum((quantity * addons.units(version, plugin, meter) for quantity, version in rows), ZERO)
    return Pool(Aggregation(meter.aggregation), free)


def fee_of(version: PlanVersion, currency: str) -> Decimal:
    """The fee of a whole period, exact minor units; nothing where there is none."""
    price = version.prices.filter(meter__isnull=True, currency=currency).first()
    return price.amount if price is not None else ZERO
