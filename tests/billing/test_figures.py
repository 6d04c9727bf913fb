"""The operator's figures from the tables, by hand-computed cases, and in a fixed number of queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import clock, figures, ledger
from billing.domain.figures import Age
from billing.figures import Figures
from billing.models import (
    Account,
    BillingInterval,
    CreditGrant,
    GrantKind,
    Invoice,
    PhaseKind,
    Plan,
    PlanVersion,
    Price,
    Subscription,
    SubscriptionAddOn,
    SubscriptionPhase,
)
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant
from tests.billing.work import make_plan, on_plan

pytestmark = pytest.mark.django_db
APRIL, MAY, JUNE = (datetime(2027, month, 1, tzinfo=UTC) for month in (4, 5, 6))
MIDDLE = datetime(2027, 5, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _operator(db: None) -> Iterator[None]:
    with operator_context(), clock.at(JUNE + timedelta(days=1)):
        yield


def customer(name: str) -> Tenant:
    made: Tenant = Tenant.objects.create(name=name)
    return made


def fee(slug: str, amount: int, interval: BillingInterval = BillingInterval.MONTH, currency: str = "usd") -> PlanVersion:
    """A draft with a fee is all that the figures look at."""
    plan = Plan.objects.create(slug=slug, name=slug)
    version = PlanVersion.objects.create(plan=plan, number=1, interval=interval, currency=currency)
    Price.objects.create(plan_version=version, model="flat", amount=amount, currency=currency)
    return version


Spans = list[tuple[PlanVersion, PhaseKind, datetime, datetime | None]]


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


def test_recurring_revenue_is_monthly_fees_and_a_twelfth_of_yearly_ones() -> None:
    subscribe(customer("ann"), charged(fee("team", 19_900), APRIL))
    subscribe(customer("ben"), charged(fee("year", 120_000, BillingInterval.YEAR), APRIL))
    moved = may().movement
    # 19,900 x 12 + 120,000 a year, and 19,900 + 10,000 a month
    assert moved.closing == 358_800
    assert may().mrr[-1] == 29_900


def test_trials_and_pauses_bring_nothing_and_a_trial_is_no_customer() -> None:
    team = fee("team", 1000)
    subscribe(customer("ann"), (team, PhaseKind.TRIAL, APRIL, None))
    subscribe(customer("ben"), charged(team, APRIL, MIDDLE), (team, PhaseKind.PAUSED, MIDDLE, None))
    moved = may().movement
    assert (moved.opening, moved.contraction, moved.closing) == (12_000, 12_000, 0)
    assert (moved.customers_opening, moved.customers_closing, moved.customers_churned) == (1, 1, 0)


def test_add_ons_count_by_their_number_beside_a_charged_plan_only() -> None:
    team, more = fee("team", 1000), fee("more", 250)
    paying = subscribe(customer("ann"), charged(team, APRIL))
    resting = subscribe(customer("ben"), (team, PhaseKind.PAUSED, APRIL, None))
    for subscription in (paying, resting):
        SubscriptionAddOn.objects.create(
            tenant_id=subscription.tenant_id, subscription=subscription, plan_version=more, quantity=2, starts_at=MIDDLE
        )
    moved = may().movement
    assert (moved.opening, moved.expansion, moved.closing) == (12_000, 6_000, 18_000)


def test_new_expansion_contraction_and_churn_of_a_month() -> None:
    small, large = fee("small", 1000), fee("large", 3000)
    subscribe(customer("stays"), charged(small, APRIL))
    subscribe(customer("comes"), charged(small, MIDDLE))
    subscribe(customer("grows"), charged(small, APRIL, MIDDLE), charged(large, MIDDLE))
    subscribe(customer("shrinks"), charged(large, APRIL, MIDDLE), charged(small, MIDDLE))
    subscribe(customer("goes"), charged(large, APRIL, MIDDLE))
    subscribe(customer("comes and goes"), charged(large, MAY + timedelta(days=1), MIDDLE))
    moved = may().movement
    assert (moved.opening, moved.closing) == (12 * 8000, 12 * 6000)
    assert (moved.new, moved.expansion, moved.contraction, moved.churned) == (12_000, 24_000, 24_000, 36_000)
    assert (moved.customers_opening, moved.customers_new, moved.customers_churned) == (4, 1, 1)


def test_a_customer_who_begins_anew_has_not_gone() -> None:
    team, tenant = fee("team", 1000), customer("ann")
    subscribe(tenant, charged(team, APRIL, MIDDLE))
    subscribe(tenant, charged(team, MIDDLE))
    moved = may().movement
    assert (moved.churned, moved.new, moved.customers_churned) == (0, 0, 0)


def test_each_currency_has_its_own_figures() -> None:
    subscribe(customer("ann"), charged(fee("team", 1000), APRIL))
    subscribe(customer("bea"), charged(fee("equipe", 700, currency="eur"), APRIL))
    found = {each.currency: each.movement.closing for each in figures.of_month(MAY)}
    assert found == {"usd": 12_000, "eur": 8_400}


def test_a_month_that_is_not_over_counts_up_to_now() -> None:
    subscribe(customer("ann"), charged(fee("team", 1000), MIDDLE))
    with clock.at(MIDDLE - timedelta(seconds=1)):
        assert may().movement.closing == 0
    with clock.at(MIDDLE):
        assert may().movement.closing == 12_000


def work(tenant: Tenant, at: datetime, plugin: str, quantity: int, ms: int | None) -> None:
    """One finished job at 10 a unit."""
    made = on_plan(tenant, "units", plugin)
    with clock.at(at), tenant_context(tenant.id):
        from_quota = made.finish(quantity)
        type(from_quota).objects.model  # noqa: B018
    raise NotImplementedError


def test_use_and_margin_by_plugin(settings: Any) -> None:
    settings.ASSAY_COMPUTE_COST_PER_HOUR = Decimal(360)
    usage_of(("xray", 5, 60_000), ("xray", 3, 20_000), ("ct", 1, None))
    first, second = may().plugins
    assert (first.plugin, first.jobs, first.revenue, first.compute_ms, first.unmeasured) == ("xray", 2, 80, 80_000, 0)
    # 80 seconds of an hour at 360
    assert (first.cost, first.margin) == (8, 72)
    assert (second.plugin, second.revenue, second.cost, second.unmeasured) == ("ct", 10, 0, 1)
    assert may().usage[-1] == 90
    assert may().usage[:-1] == [0] * 11
