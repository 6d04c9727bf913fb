"""What a period costs, and the caps on it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing import places, quota, spending
from billing.errors import SpendingLimitReached
from tenants.context import tenant_context
from tests.billing.wallet import cap, cost_so_far, give, offer
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(alice: Party) -> Customer:
    """Invoiced, ten for an image."""
    offer("invoiced")
    return on_plan(alice.tenant, "invoiced")


def test_the_cost_so_far_follows_the_work(customer: Customer) -> None:
    assert cost_so_far(customer) == (0, 0)
    job = customer.reserve().job_id
    failed = customer.reserve(2).job_id
    assert cost_so_far(customer) == (0, 30)
    customer.settle(job)
    customer.release(failed)
    assert cost_so_far(customer) == (10, 0)


def test_a_hard_cap_refuses_what_it_leaves_no_room_for_and_says_what_is_left(customer: Customer) -> None:
    cap(customer, hard=25)
    customer.finish()
    resets_at = customer.reserve().counter.period_end
    with pytest.raises(SpendingLimitReached) as refusal:
        customer.reserve()
    extra = dict(refusal.value.extra)
    assert resets_at is not None
    assert extra.pop("resets_at") == resets_at.isoformat().replace("+00:00", "Z")
    assert str(extra.pop("upgrade_url")).endswith("/billing")
    assert extra == {"limit": 25, "used": 10, "reserved": 10, "remaining": 5, "currency": "usd"}
    assert (refusal.value.code, "0.25 USD" in refusal.value.detail) == ("spending_limit_reached", True)
    assert cost_so_far(customer) == (10, 10)
    assert customer.state().reserved == 1


def test_a_hard_cap_may_be_reached_to_the_last_digit(customer: Customer) -> None:
    cap(customer, hard=20)
    customer.finish(Decimal("1.999999"))
    with pytest.raises(SpendingLimitReached):
        customer.reserve(Decimal("0.000002"))
    customer.reserve(Decimal("0.000001"))
    assert sum(cost_so_far(customer)) == 20


def test_credits_do_not_count_against_a_cap(customer: Customer) -> None:
    cap(customer, hard=0)
    give(customer, 10)
    assert customer.finish().credited == 10
    with pytest.raises(SpendingLimitReached):
        customer.reserve()


def test_a_soft_cap_refuses_nothing(customer: Customer) -> None:
    cap(customer, soft=5)
    assert customer.finish().amount == 10


def test_a_cap_that_is_set_in_mid_period_knows_what_was_spent_before(customer: Customer) -> None:
    customer.finish(3)
    cap(customer, hard=35)
    with pytest.raises(SpendingLimitReached):
        customer.reserve()
    cap(customer)
    customer.finish()
    assert cost_so_far(customer) == (40, 0)


def test_late_work_counts_beyond_a_cap(customer: Customer) -> None:
    cap(customer, hard=10)
    late = customer.reserve().job_id
    quota.expire_overdue(places.expiry())
    customer.finish()
    assert customer.settle(late).amount == 10
    assert cost_so_far(customer) == (20, 0)


def test_free_work_needs_no_room_below_a_cap(alice: Party) -> None:
    offer("free", tiers=[("2", "0"), (None, "10")])
    customer = on_plan(alice.tenant, "free")
    cap(customer, hard=0)
    assert customer.finish(2).amount == 0


def test_without_a_subscription_there_is_no_cost(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        assert spending.state(alice.tenant.id) is None
        cap(Customer(alice.tenant), hard=10)
