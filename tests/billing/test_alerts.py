"""Warnings at 50, 80 and 100 %: once for each threshold and period."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import alerts, clock
from billing.errors import QuotaExceeded
from billing.models import Alert, AlertKind, OutboxMessage
from tenants.context import tenant_context
from tests.billing.wallet import cap, give, offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def raised(customer: Customer, kind: AlertKind) -> list[tuple[str, int]]:
    with tenant_context(customer.id):
        return sorted(Alert.objects.filter(kind=kind).values_list("subject", "threshold"))


def test_a_quota_warns_at_each_threshold_once(alice: Party) -> None:
    offer("limited", limit=10, hard=True)
    customer = on_plan(alice.tenant, "limited")
    customer.finish(4)
    assert raised(customer, AlertKind.QUOTA) == []
    customer.release(customer.reserve().job_id)
    customer.finish()
    subject = "limited-meter:*"
    assert raised(customer, AlertKind.QUOTA) == [(subject, 50)]
    customer.finish(5)
    assert raised(customer, AlertKind.QUOTA) == [(subject, 50), (subject, 80), (subject, 100)]
    with tenant_context(customer.id):
        messages = OutboxMessage.objects.filter(topic="alert.raised").order_by("created_at")
        assert [message.payload["threshold"] for message in messages] == [50, 80, 100]


def test_the_next_period_warns_anew(alice: Party) -> None:
    offer("limited", limit=10)
    customer = on_plan(alice.tenant, "limited")
    end = customer.reserve(5).counter.period_end
    assert end is not None
    with clock.at(end):
        customer.finish(5)
    assert [threshold for _, threshold in raised(customer, AlertKind.QUOTA)] == [50, 50]


def test_a_refused_job_raises_nothing(alice: Party) -> None:
    offer("limited", limit=10, hard=True)
    customer = on_plan(alice.tenant, "limited")
    with pytest.raises(QuotaExceeded):
        customer.reserve(11)
    assert raised(customer, AlertKind.QUOTA) == []


def test_both_caps_warn(alice: Party) -> None:
    offer("invoiced")
    customer = on_plan(alice.tenant, "invoiced")
    cap(customer, soft=20, hard=40)
    customer.finish()
    assert raised(customer, AlertKind.SPENDING) == [("soft", 50)]
    customer.finish()
    assert raised(customer, AlertKind.SPENDING) == [("hard", 50), ("soft", 50), ("soft", 80), ("soft", 100)]


def test_a_new_cap_warns_of_what_it_finds_spent(alice: Party) -> None:
    offer("invoiced")
    customer = on_plan(alice.tenant, "invoiced")
    customer.finish(2)
    cap(customer, hard=25)
    assert raised(customer, AlertKind.SPENDING) == [("hard", 50), ("hard", 80)]


def test_credits_warn_of_the_share_burnt_and_anew_after_a_purchase(alice: Party) -> None:
    offer("invoiced")
    customer = on_plan(alice.tenant, "invoiced")
    give(customer, 20)
    customer.finish()
    assert raised(customer, AlertKind.CREDITS) == [("usd", 50)]
    customer.finish()
    assert raised(customer, AlertKind.CREDITS) == [("usd", 50), ("usd", 80), ("usd", 100)]
    give(customer, 20)
    customer.finish()
    assert raised(customer, AlertKind.CREDITS) == [("usd", 50), ("usd", 50), ("usd", 80), ("usd", 100)]


def test_an_alert_is_open_until_its_tenant_dismisses_it(alice: Party, charlie: Party) -> None:
    offer("limited", limit=2)
    customer = on_plan(alice.tenant, "limited")
    customer.finish()
    with tenant_context(customer.id):
        (alert,) = alerts.open_alerts(customer.id)
        assert (alert.threshold, alert.detail) == (50, {"reached": "1", "limit": "2"})
    with tenant_context(charlie.tenant.id):
        assert alerts.open_alerts(charlie.tenant.id) == []
        assert not alerts.dismiss(charlie.tenant.id, alert.id)
    with tenant_context(customer.id):
        assert alerts.dismiss(customer.id, alert.id)
        assert not alerts.dismiss(customer.id, alert.id)
        assert alerts.open_alerts(customer.id) == []


@given(st.integers(1, 60), st.lists(st.integers(0, 30), max_size=8))
def test_steps_of_any_size_reach_each_threshold_once(limit: int, steps: list[int]) -> None:
    level, found = Decimal(0), []
    for step in steps:
        found += alerts.reached(level, level + step, Decimal(limit))
        level += step
    assert found == [each for each in alerts.THRESHOLDS if level * 100 >= limit * each]


def test_nothing_is_reached_of_no_limit() -> None:
    assert alerts.reached(Decimal(0), Decimal(5), Decimal(0)) == []
