"""The books: zero-sum, append-only, each thing once."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from billing import clock, ledger, outbox
from billing.errors import Unbalanced
from billing.ledger import Posting
from billing.models import Account, LedgerEntry, LedgerTransaction, OutboxMessage, UsageEvent
from tenants.context import tenant_context
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def post(party: Party, source: UUID, *amounts: str) -> LedgerTransaction | None:
    accounts = [Account.ACCRUED, Account.REVENUE, Account.ROUNDING]
    postings = [Posting(account, Decimal(amount)) for account, amount in zip(accounts, amounts, strict=False)]
    return ledger.post(
        party.tenant.id, source=("test", source), kind="accrual", currency="usd", postings=postings,
        occurred_at=clock.now(),
    )  # fmt: skip


def test_entries_that_do_not_sum_to_zero_are_not_booked(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        with pytest.raises(Unbalanced):
            post(alice, uuid4(), "0.000000000000000001", "0")
        assert not LedgerTransaction.objects.exists()


def test_a_balance_is_the_exact_sum_of_the_entries(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        for _ in range(3):
            post(alice, uuid4(), "0.1", "-0.1")
        assert ledger.balance(alice.tenant.id, Account.ACCRUED, "usd") == Decimal("0.3")
        assert ledger.balance(alice.tenant.id, Account.REVENUE, "usd") == Decimal("-0.3")
        assert ledger.balance(alice.tenant.id, Account.ACCRUED, "eur") == 0


def test_a_source_is_booked_once_in_each_kind(alice: Party) -> None:
    source = uuid4()
    with tenant_context(alice.tenant.id):
        post(alice, source, "1", "-1")
        with pytest.raises(DatabaseError), transaction.atomic():
            post(alice, source, "1", "-1")


def test_free_work_moves_no_money(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        assert post(alice, uuid4(), "0", "0") is None
        assert not LedgerTransaction.objects.exists()


@pytest.mark.parametrize("model", [LedgerEntry, LedgerTransaction, UsageEvent])
def test_what_is_booked_is_neither_changed_nor_deleted(alice: Party, model: type[LedgerEntry]) -> None:
    customer = on_plan(alice.tenant, "per-service")
    customer.finish()
    column = "occurred_at" if model is not LedgerEntry else "currency"
    with tenant_context(customer.id):
        value = model.objects.values_list(column, flat=True).first()
        for statement in (
            lambda: model.objects.update(**{column: value}),
            lambda: model.objects.all()._raw_delete("default"),
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                statement()


def test_an_unbalanced_booking_past_the_service_is_found(alice: Party) -> None:
    with tenant_context(alice.tenant.id), transaction.atomic():
        booked = LedgerTransaction.objects.create(
            tenant=alice.tenant, source_type="test", source_id="x", kind="wrong", occurred_at=clock.now()
        )
        LedgerEntry.objects.create(
            tenant=alice.tenant, transaction=booked, account=Account.CASH, amount=1, currency="usd"
        )
        assert ledger.unbalanced() == [booked.id]
        if connection.vendor == "postgresql":
            with pytest.raises(DatabaseError, match="sum to zero"), transaction.atomic():
                connection.check_constraints()
        LedgerEntry.objects.create(
            tenant=alice.tenant, transaction=booked, account=Account.REVENUE, amount=-1, currency="usd"
        )
        assert ledger.unbalanced() == []


def test_the_deferred_check_sees_the_entries_whoever_commits(alice: Party) -> None:
    """On PostgreSQL the check runs after the tenant's scope has ended: row security must not blind it."""
    if connection.vendor != "postgresql":
        return
    with tenant_context(alice.tenant.id):
        booked = LedgerTransaction.objects.create(
            tenant=alice.tenant, source_type="test", source_id="x", kind="wrong", occurred_at=clock.now()
        )
        LedgerEntry.objects.create(
            tenant=alice.tenant, transaction=booked, account=Account.CASH, amount=1, currency="usd"
        )
    with pytest.raises(DatabaseError, match="sum to zero"), transaction.atomic():
        connection.check_constraints()
    with tenant_context(alice.tenant.id):
        LedgerEntry.objects.create(
            tenant=alice.tenant, transaction=booked, account=Account.CASH, amount=-1, currency="usd"
        )


def test_use_is_accrued_to_the_last_digit(alice: Party) -> None:
    make_plan("fine", price="0.000000000001")
    customer = on_plan(alice.tenant, "fine")
    customer.finish(Decimal("0.000001"))
    with tenant_context(customer.id):
        assert ledger.balance(customer.id, Account.ACCRUED, "usd") == Decimal("1E-18")
    assert ledger.unbalanced() == []


def test_a_message_of_one_key_is_written_once(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        for _ in range(2):
            outbox.enqueue(alice.tenant.id, "job.succeeded", key="job:1", payload={"id": "1"})
        assert OutboxMessage.objects.count() == 1


def test_a_message_goes_with_the_transaction_that_wrote_it(alice: Party) -> None:
    customer: Customer = on_plan(alice.tenant, "per-service")
    job = customer.reserve().job_id

    def settle_and_fail() -> None:
        with tenant_context(customer.id):
            customer.settle(job)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        settle_and_fail()
    with tenant_context(customer.id):
        assert not OutboxMessage.objects.filter(topic="usage.recorded").exists()
        assert not UsageEvent.objects.exists()
        assert not LedgerEntry.objects.exists()
    assert customer.state().reserved == 1
