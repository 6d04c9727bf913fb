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

from billing import clock, credits, cycle, figures, quota
from billing.domain.figures import Age
from billing.figures import Figures
from billing.models import (
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
from tenants.context import operator_context
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


def test_recurring_revenue_is_monthly_fees_and_a_twelfth_of_yearly_ones() -> None:
    subscribe(customer("ann"), charged(fee("crew", 19_900), APRIL))
    subscribe(customer("ben"), charged(fee("year", 120_000, BillingInterval.YEAR), APRIL))
    moved = may().movement
    # 19,900 x 12 + 120,000 a year, and 19,900 + 10,000 a month
    assert moved.closing == 358_800
    assert may().mrr[-1] == 29_900


def test_trials_and_pauses_bring_nothing_and_a_trial_is_no_customer() -> None:
    team = fee("crew", 1000)
    subscribe(customer("ann"), (team, PhaseKind.TRIAL, APRIL, None))
    subscribe(customer("ben"), charged(team, APRIL, MIDDLE), (team, PhaseKind.PAUSED, MIDDLE, None))
    moved = may().movement
    assert (moved.opening, moved.contraction, moved.closing) == (12_000, 12_000, 0)
    assert (moved.customers_opening, moved.customers_closing, moved.customers_churned) == (1, 1, 0)


def test_add_ons_count_by_their_number_beside_a_charged_plan_only() -> None:
    team, more = fee("crew", 1000), fee("more", 250)
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
    team, tenant = fee("crew", 1000), customer("ann")
    subscribe(tenant, charged(team, APRIL, MIDDLE))
    subscribe(tenant, charged(team, MIDDLE))
    moved = may().movement
    assert (moved.churned, moved.new, moved.customers_churned) == (0, 0, 0)


def test_each_currency_has_its_own_figures() -> None:
    subscribe(customer("ann"), charged(fee("crew", 1000), APRIL))
    subscribe(customer("bea"), charged(fee("equipe", 700, currency="eur"), APRIL))
    found = {each.currency: each.movement.closing for each in figures.of_month(MAY)}
    assert found == {"usd": 12_000, "eur": 8_400}


def test_a_month_that_is_not_over_counts_up_to_now() -> None:
    subscribe(customer("ann"), charged(fee("crew", 1000), MIDDLE))
    with clock.at(MIDDLE - timedelta(seconds=1)):
        assert may().movement.closing == 0
    with clock.at(MIDDLE):
        assert may().movement.closing == 12_000


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


def test_use_and_margin_by_plugin(settings: Any) -> None:
    settings.ASSAY_COMPUTE_COST_PER_HOUR = Decimal(360)
    make_plan("units")
    ann, ben = user("ann"), user("ben")
    use(ann, "xray", 5, 60_000)
    use(ben, "xray", 3, 20_000)
    use(ann, "ct", 1, None)
    use(ann, "ct", 7, 1000, at=JUNE)
    first, second = may().plugins
    assert (first.plugin, first.jobs, first.revenue, first.compute_ms, first.unmeasured) == ("xray", 2, 80, 80_000, 0)
    # 80 seconds of an hour at 360
    assert (first.cost, first.margin) == (8, 72)
    assert (second.plugin, second.revenue, second.cost, second.unmeasured) == ("ct", 10, None, 1)
    assert may().usage[-1] == 90
    assert may().usage[:-1] == [0] * 11


def test_a_cost_that_nobody_has_set_is_not_known() -> None:
    make_plan("units")
    use(user("ann"), "xray", 5, 60_000)
    (row,) = may().plugins
    assert (row.cost, row.margin) == (None, None)


def test_a_cost_in_one_currency_says_nothing_in_another(settings: Any) -> None:
    settings.ASSAY_COMPUTE_COST_PER_HOUR, settings.ASSAY_COMPUTE_COST_CURRENCY = Decimal(360), "eur"
    make_plan("units")
    use(user("ann"), "xray", 5, 60_000)
    assert may().plugins[0].cost is None


def test_credits_that_were_given_burnt_broken_and_are_left() -> None:
    make_plan("units")
    ann = user("ann")
    with clock.at(APRIL):
        grant(ann, 1000)
    with clock.at(MAY):
        lost = grant(ann, 30, priority=99)
    use(ann, "xray", 25, None)
    with clock.at(MIDDLE):
        credits.void(lost, reason="a mistake", actor="test")
    found = may().credits
    assert (found.sold, found.given, found.burnt, found.broken, found.deferred) == (0, 30, 250, 30, 750)


def grant(tenant: Tenant, amount: int, priority: int = 50) -> CreditGrant:
    return credits.grant(
        tenant.id, Decimal(amount), "usd", kind=GrantKind.PROMOTIONAL, reason="welcome", actor="test", priority=priority
    )


def test_open_invoices_by_their_age() -> None:
    tenant = customer("ann")
    subscription = subscribe(tenant, charged(fee("crew", 1000), APRIL))
    now = clock.now()
    for place, (late, total, state) in enumerate(
        [(-5, 100, "open"), (1, 200, "open"), (30, 300, "open"), (31, 400, "open"), (61, 500, "open"),
         (91, 600, "open"), (95, 700, "open"), (99, 9999, "paid"), (99, 9999, "uncollectible")]
    ):  # fmt: skip
        Invoice.objects.create(
            tenant=tenant, subscription=subscription, state=state, issuer="INV", sequence=place + 1, number=f"{place}",
            period_start=APRIL + timedelta(days=place), period_end=JUNE, currency="usd", subtotal=total, total=total,
            amount_paid=10, created_at=JUNE, due_at=now - timedelta(days=late),
        )  # fmt: skip
    found = [(each.age, each.invoices, each.due) for each in may().ageing]
    assert found == [
        (Age.NOT_DUE, 1, 90), (Age.MONTH, 2, 480), (Age.TWO_MONTHS, 1, 390), (Age.THREE_MONTHS, 1, 490),
        (Age.OLDER, 2, 1280),
    ]  # fmt: skip


def test_top_customers_are_those_that_the_books_have_earned_most_from() -> None:
    make_plan("units", fee="500")
    ann, ben = user("ann"), user("ben")
    use(ann, "xray", 3, None)
    use(ben, "xray", 9, None)
    with clock.at(JUNE):
        cycle.advance(MAY)
    # the fee of April is booked when May begins; use when it is done
    assert [(each.name, each.revenue) for each in may().top] == [("ben", 590), ("ann", 530)]
    assert may().revenue == 1120


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    make_plan("units")
    few = queries_of_figures(user("ann"))
    more = fee("more", 100, currency="eur")
    for number in range(5):
        tenant = user(f"customer {number}")
        use(tenant, f"plugin {number}", 1, 100)
        subscribe(customer(f"other {number}"), charged(more, APRIL))
        grant(tenant, 10)
    assert queries_of_figures(tenant) == few


def queries_of_figures(tenant: Tenant) -> int:
    use(tenant, "xray", 1, 100)
    with CaptureQueriesContext(connection) as captured:
        assert figures.of_month(MAY)
    return len([query for query in captured if query["sql"].startswith("SELECT") and "set_config" not in query["sql"]])


def told(*arguments: str) -> str:
    answer = StringIO()
    call_command("billing", "figures", *arguments, stdout=answer)
    return answer.getvalue()


def test_the_command_tells_the_figures_as_json() -> None:
    subscribe(customer("ann"), charged(fee("year", 100, BillingInterval.YEAR), MAY))
    (found,) = json.loads(told("--month", "2027-05", "--json"))["figures"]
    assert (found["currency"], found["month"], found["mrr"], found["arr"]) == ("usd", "2027-05", 8, 100)
    assert found["annual_exact"]["closing"] == "100"
    assert found["customers"]["churn_percent"] == "0.00"


def test_the_command_tells_the_figures_to_a_person() -> None:
    subscribe(customer("ann"), charged(fee("crew", 1000), APRIL))
    shown = told("--month", "2027-05")
    assert shown.startswith("usd: ")
    assert "mrr  1000" in shown


def test_another_currency_is_not_told() -> None:
    subscribe(customer("ann"), charged(fee("crew", 1000), APRIL))
    (found,) = json.loads(told("--month", "2027-05", "--currency", "eur", "--json"))["figures"]
    assert (found["currency"], found["mrr"]) == ("eur", 0)


@pytest.mark.parametrize("month", ["2027-13", "0001-01", "9999-12"])
def test_a_month_that_is_none_is_refused(month: str) -> None:
    with pytest.raises(CommandError, match=month):
        told("--month", month)
