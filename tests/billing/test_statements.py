"""How many statements billing adds to a piece of work, on both databases: one more and a test fails."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import quota
from billing.quota import Finished
from tenants.context import tenant_context
from tests.billing.wallet import cap, give, offer
from tests.billing.work import ONE, Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoiced(alice: Party) -> Customer:
    """Work that costs something, below a quota; what is made on first use is there."""
    offer("invoiced", limit=1000)
    customer = on_plan(alice.tenant, "invoiced")
    customer.finish()
    return customer


@pytest.fixture
def funded(invoiced: Customer) -> Customer:
    """With credits and caps too."""
    give(invoiced, 10_000)
    cap(invoiced, soft=10_000, hard=20_000)
    invoiced.finish()
    return invoiced


def statements(customer: Customer, act: Callable[[], object]) -> int:
    """What the act asks of the database inside of a scope."""
    with tenant_context(customer.id), CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def reserve(customer: Customer) -> object:
    return quota.reserve(customer.id, job_id=uuid4(), plugin=customer.plugin, unit=customer.unit, quantity=ONE)


def settle(customer: Customer, jobs: list[UUID]) -> object:
    return quota.settle_many(Finished(customer.id, job) for job in jobs)


def test_a_place_takes_three_locked_rows_and_three_writes(invoiced: Customer) -> None:
    assert statements(invoiced, lambda: reserve(invoiced)) == 6


def test_a_place_that_credits_pay_takes_the_grants_and_the_hold_instead_of_money(funded: Customer) -> None:
    assert statements(funded, lambda: reserve(funded)) == 8


def test_a_finished_job_takes_nine_statements(invoiced: Customer) -> None:
    job = invoiced.reserve().job_id
    assert statements(invoiced, lambda: quota.settle(invoiced.id, job_id=job)) == 9


def test_a_finished_job_that_credits_pay_takes_eleven(funded: Customer) -> None:
    job = funded.reserve().job_id
    assert statements(funded, lambda: quota.settle(funded.id, job_id=job)) == 11


@pytest.mark.parametrize("size", [2, 20])
def test_a_batch_takes_as_many_statements_as_one_job(invoiced: Customer, size: int) -> None:
    jobs = [invoiced.reserve().job_id for _ in range(size)]
    assert statements(invoiced, lambda: settle(invoiced, jobs)) == 9


def test_a_batch_that_credits_pay_takes_as_many_statements_as_one_job(funded: Customer) -> None:
    jobs = [funded.reserve().job_id for _ in range(20)]
    assert statements(funded, lambda: settle(funded, jobs)) == 11


def test_settling_again_takes_two(invoiced: Customer) -> None:
    job = invoiced.finish().job_id
    assert statements(invoiced, lambda: quota.settle(invoiced.id, job_id=job)) == 2


def test_a_place_that_is_given_back_takes_six(invoiced: Customer) -> None:
    job = invoiced.reserve().job_id
    assert statements(invoiced, lambda: quota.release(invoiced.id, job_id=job, reason="failed")) == 8


def test_a_scope_within_the_same_scope_tells_the_database_nothing(invoiced: Customer) -> None:
    def nested() -> None:
        with tenant_context(invoiced.id):
            pass

    # a savepoint, set and released
    assert statements(invoiced, nested) == 2
