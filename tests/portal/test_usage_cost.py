"""What the page of use asks of the database, and that it tells the same as the parts that it is made of."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import clock, quota, reading, subscriptions, usage
from billing.domain.money import total
from billing.models import UsageEvent
from tenants.context import tenant_context
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
STATEMENTS = 15
"""Three of them tell who looks."""
SCOPE = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "SELECT set_config")


@pytest.fixture
def customer(alice: Party) -> Customer:
    made = on_plan(alice.tenant, "pay-per-use")
    for _ in range(3):
        made.finish()
    return made


def asked(client: Client, path: str) -> list[str]:
    """The statements of a page, without those that open and close its scope."""
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return [each["sql"] for each in seen.captured_queries if not each["sql"].lstrip().startswith(SCOPE)]


@pytest.mark.parametrize("path", ["/usage", "/usage/live"])
def test_the_page_of_use_costs_few_statements(alice: Party, customer: Customer, client: Client, path: str) -> None:
    client.force_login(alice.owner)
    found = asked(client, path)
    assert len(found) == STATEMENTS, "\n".join(each[:300] for each in found)


def test_what_is_read_once_is_kept_for_the_page_alone(
    alice: Party, customer: Customer, django_assert_num_queries: Any
) -> None:
    with tenant_context(customer.id):
        with reading.shared():
            first = subscriptions.subscription_of(customer.id)
            with django_assert_num_queries(0):
                assert subscriptions.subscription_of(customer.id) is first
            reading.forget()
            assert subscriptions.subscription_of(customer.id) is not first
        assert subscriptions.subscription_of(customer.id) is not subscriptions.subscription_of(customer.id)


def test_the_states_of_quotas_are_the_same_when_they_are_read_once(customer: Customer) -> None:
    with tenant_context(customer.id):
        plain = quota.states(customer.id)
        with reading.shared():
            subscriptions.subscription_of(customer.id)
            assert quota.states(customer.id) == plain


def test_the_use_of_a_period_is_the_sum_by_kind_and_the_sum_by_day(customer: Customer) -> None:
    since = clock.now().replace(year=2000)
    with tenant_context(customer.id):
        found = usage.of_period(customer.id, since=since, zone=UTC)
        assert found.sums == usage.summary(customer.id, since=since)
        events = list(UsageEvent.objects.for_tenant(customer.id))
        days = {event.occurred_at.date() for event in events}
        assert {each.day: each.exact for each in found.days} == {
            day: total(event.amount for event in events if event.occurred_at.date() == day) for day in days
        }
        assert sum(each.jobs for each in found.days) == len(events) == 3
