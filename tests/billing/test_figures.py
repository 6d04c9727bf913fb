"""Recurring revenue from the tables, by hand-computed cases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import clock, figures
from billing.models import BillingInterval, PhaseKind, SubscriptionAddOn
from tests.billing.business import APRIL, MAY, MIDDLE, charged, customer, early_june, fee, may, subscribe

__all__ = ["early_june"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_june")]


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
