"""Credits: how they come, pay, end; and what is paid otherwise."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import clock, credits, ledger, places, quota
from billing.errors import InvalidCredits, NothingToVoid, PaymentRequired
from billing.models import Account, Funding, GrantKind, LedgerTransaction
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.billing.wallet import USD, available, cost_so_far, give, grants, offer, take_back
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def customer(alice: Party) -> Customer:
    """Invoiced, ten for an image."""
    offer("invoiced")
    return on_plan(alice.tenant, "invoiced")


@pytest.fixture
def prepaid(alice: Party) -> Customer:
    """Prepaid, ten for an image beyond the first two."""
    offer("from-credits", funding=Funding.PREPAID, tiers=[("2", "0"), (None, "10")])
    return on_plan(alice.tenant, "from-credits")


def balance(customer: Customer, account: Account) -> Decimal:
    with tenant_context(customer.id):
        return ledger.balance(customer.id, account, USD)


def test_credits_given_away_are_booked_and_traced(customer: Customer) -> None:
    made = give(customer, "12.5")
    assert available(customer) == Decimal("12.5")
    assert (balance(customer, Account.PROMOTION), balance(customer, Account.CREDIT)) == (Decimal("12.5"), -made.amount)
    with tenant_context(customer.id):
        (event,) = AuditEvent.objects.filter(action="credits.granted")
    assert (event.subject, event.detail["amount"]) == (str(made.id), "12.5")


@pytest.mark.parametrize("kind", [GrantKind.PURCHASED, GrantKind.RETURNED])
def test_credits_that_an_invoice_books_are_not_booked_twice(customer: Customer, kind: GrantKind) -> None:
    give(customer, 10, kind=kind)
    assert balance(customer, Account.CREDIT) == 0
    assert available(customer) == 10


def test_credits_with_a_cause_come_once(customer: Customer) -> None:
    assert give(customer, 10, key="invoice:1") == give(customer, 10, key="invoice:1")
    assert available(customer) == 10
    assert balance(customer, Account.PROMOTION) == 10


def test_credits_of_nothing_or_of_the_past_are_refused(customer: Customer) -> None:
    for amount, expires_at in ((0, None), (-1, None), (1, clock.now())):
        with pytest.raises(InvalidCredits):
            give(customer, amount, expires_at=expires_at)
    assert grants(customer) == []


def test_credits_pay_first_and_an_invoice_pays_the_rest(customer: Customer) -> None:
    give(customer, 15)
    event = customer.finish(2)
    assert (event.amount, event.credited) == (20, 15)
    assert cost_so_far(customer) == (5, 0)
    assert balance(customer, Account.ACCRUED) == 5
    assert balance(customer, Account.REVENUE) == -20
    assert balance(customer, Account.CREDIT) == 0
    with tenant_context(customer.id):
        kinds = LedgerTransaction.objects.filter(source_type="usage_event").values_list("kind", flat=True)
        assert sorted(kinds) == ["accrual", "credit"]


def test_the_lower_priority_then_the_sooner_expiry_then_the_older_is_used_first(customer: Customer) -> None:
    now = clock.now()
    order = [
        give(customer, 10, priority=60),
        give(customer, 10),
        give(customer, 10),
        give(customer, 10, expires_at=now + 2 * HOUR),
        give(customer, 10, expires_at=now + HOUR),
        give(customer, 10, priority=10),
    ]
    wanted = [order[each] for each in (5, 4, 3, 1, 2, 0)]
    assert grants(customer) == wanted
    for used in range(1, 7):
        customer.finish()
        left = [grant.available for grant in grants(customer)]
        assert left == [0] * used + [10] * (6 - used)


def test_a_place_that_is_given_back_gives_its_credits_back(customer: Customer) -> None:
    give(customer, 15)
    job = customer.reserve(2).job_id
    assert (available(customer), cost_so_far(customer)) == (0, (0, 5))
    customer.release(job)
    assert (available(customer), cost_so_far(customer)) == (15, (0, 0))


def test_an_expired_place_gives_its_credits_back_and_late_work_takes_what_is_there(customer: Customer) -> None:
    give(customer, 15)
    job = customer.reserve(2).job_id
    quota.expire_overdue(places.expiry())
    assert available(customer) == 15
    customer.finish()
    event = customer.settle(job)
    assert (event.amount, event.credited) == (20, 5)
    assert cost_so_far(customer) == (15, 0)


def test_a_prepaid_plan_refuses_what_credits_do_not_cover(prepaid: Customer) -> None:
    give(prepaid, "19.5")
    with pytest.raises(PaymentRequired) as refusal:
        prepaid.reserve(4)
    assert refusal.value.code == "payment_required"
    assert (refusal.value.extra["amount"], refusal.value.extra["available"]) == (20, 19)
    assert "buy credits" in refusal.value.detail
    assert available(prepaid) == Decimal("19.5")
    assert prepaid.state().reserved == 0


def test_free_work_passes_on_a_prepaid_plan_without_credits(prepaid: Customer) -> None:
    assert prepaid.finish(2).amount == 0
    assert cost_so_far(prepaid) == (0, 0)


def test_late_work_on_a_prepaid_plan_is_never_refused(prepaid: Customer) -> None:
    give(prepaid, 20)
    job = prepaid.reserve(4).job_id
    quota.expire_overdue(places.expiry())
    take_back(prepaid, grants(prepaid)[0])
    event = prepaid.settle(job)
    assert (event.amount, event.credited) == (20, 0)
    assert cost_so_far(prepaid) == (20, 0)


def test_expired_credits_pay_nothing_and_are_written_off_once(customer: Customer) -> None:
    now = clock.now()
    give(customer, 30, expires_at=now + HOUR)
    customer.finish()
    with clock.at(now + HOUR):
        assert available(customer) == 0
        assert customer.finish().credited == 0
        assert credits.expire_overdue(clock.now()) == 1
        assert credits.expire_overdue(clock.now()) == 0
    (grant,) = grants(customer)
    assert (grant.consumed, grant.expired, grant.available) == (10, 20, 0)
    assert (balance(customer, Account.CREDIT), balance(customer, Account.BREAKAGE)) == (0, -20)


def test_credits_that_were_held_before_they_expired_still_pay(customer: Customer) -> None:
    now = clock.now()
    give(customer, 10, expires_at=now + HOUR)
    job = customer.reserve().job_id
    with clock.at(now + HOUR):
        assert credits.expire_overdue(clock.now()) == 0
        assert customer.settle(job).credited == 10
    assert balance(customer, Account.BREAKAGE) == 0


def test_credits_that_come_back_after_they_expired_are_lost(customer: Customer) -> None:
    now = clock.now()
    give(customer, 10, expires_at=now + HOUR)
    job = customer.reserve().job_id
    with clock.at(now + HOUR):
        credits.expire_overdue(clock.now())
        customer.release(job)
        assert available(customer) == 0
    assert balance(customer, Account.BREAKAGE) == -10
    assert grants(customer)[0].expired == 10


def test_a_void_takes_what_is_left_and_what_comes_back_later(customer: Customer) -> None:
    grant = give(customer, 30)
    customer.finish()
    job = customer.reserve().job_id
    take_back(customer, grant)
    assert available(customer) == 0
    assert customer.finish().credited == 0
    customer.release(job)
    (grant,) = grants(customer)
    assert (grant.consumed, grant.held, grant.voided) == (10, 0, 20)
    assert (balance(customer, Account.CREDIT), balance(customer, Account.BREAKAGE)) == (0, -20)
    with pytest.raises(NothingToVoid):
        take_back(customer, grant)


def test_credits_of_another_currency_pay_nothing(customer: Customer) -> None:
    with tenant_context(customer.id):
        credits.grant(
            customer.id, Decimal(50), "eur", kind=GrantKind.PROMOTIONAL, reason="", actor="test"
        )  # fmt: skip
    assert customer.finish().credited == 0


def test_credits_of_another_tenant_pay_nothing(customer: Customer, charlie: Party) -> None:
    give(on_plan(charlie.tenant, "invoiced"), 50)
    assert (available(customer), customer.finish().credited) == (0, 0)


def test_fractions_of_a_cent_are_kept_to_the_last_digit(alice: Party) -> None:
    offer("fine", price="0.000000000001")
    customer = on_plan(alice.tenant, "fine")
    give(customer, "0.000000000000000001")
    event = customer.finish(Decimal("0.000003"))
    assert (event.amount, event.credited) == (Decimal("3E-18"), Decimal("1E-18"))
    assert cost_so_far(customer) == (Decimal("2E-18"), 0)


def statements(customer: Customer, quantity: int) -> int:
    with CaptureQueriesContext(connection) as asked:
        customer.reserve(quantity)
    return len(asked)


def test_free_work_asks_nothing_of_the_wallet_and_paid_work_two_things(alice: Party) -> None:
    """One row is locked and written; only with credits there is more to do."""
    offer("free", price="0")
    offer("invoiced")
    free = on_plan(alice.tenant, "free")
    free.reserve(0)
    without_cost = statements(free, 1)
    paid = on_plan(alice.tenant, "invoiced")
    paid.reserve()
    assert statements(paid, 1) == without_cost + 2
    give(paid, 100)
    assert statements(paid, 1) > without_cost + 2
