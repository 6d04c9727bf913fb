"""Use, margins, credits, debts and customers from the tables, by hand-computed cases; queries; the command."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import clock, credits, cycle, figures
from billing.domain.figures import Age
from billing.models import BillingInterval, Invoice
from tenants.models import Tenant
from tests.billing.business import (
    APRIL,
    JUNE,
    MAY,
    MIDDLE,
    charged,
    customer,
    early_june,
    fee,
    grant,
    may,
    subscribe,
    use,
    user,
)
from tests.billing.work import make_plan

__all__ = ["early_june"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_june")]


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
