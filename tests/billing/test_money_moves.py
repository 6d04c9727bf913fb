"""Payments, credit notes, refunds, bad debt and voids: what moves, what is refused, and that the books agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from billing import (
    adjustments,
    ageing,
    books,
    clock,
    credit_notes,
    credit_sales,
    credits,
    customers,
    cycle,
    invoices,
    ledger,
    payments,
    refunds,
)
from billing.errors import (
    AdjustmentDecided,
    AdjustmentMismatch,
    CreditNoteTooLarge,
    CreditsUsed,
    InvoiceNotOpen,
    InvoiceNotVoidable,
    PaymentTooLarge,
    RefundTooLarge,
    SecondPersonNeeded,
)
from billing.models import (
    Account,
    AdjustmentKind,
    AdjustmentState,
    CreditGrant,
    GrantKind,
    Invoice,
    InvoiceState,
    LedgerEntry,
    LedgerTransaction,
    OutboxMessage,
    RefundState,
    Subscription,
    SubscriptionStatus,
    UsageEvent,
)
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
MARCH = datetime(2027, 3, 31, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def invoice(alice: Party) -> Iterator[Invoice]:
    """Open, in the tenant's scope: 1000 for use, 7 % tax on it."""
    with clock.at(START):
        customer = on_plan(alice.tenant, "per-service")
        with tenant_context(alice.tenant.id):
            customers.update_details(alice.tenant.id, actor="test", tax_percent=Decimal(7))
        customer.finish()
        customer.finish()
    (closed,) = cycle.close_due(FEBRUARY)
    with clock.at(FEBRUARY), tenant_context(alice.tenant.id):
        yield closed
        assert books.check(alice.tenant.id) == []


def balance(invoice: Invoice, account: Account) -> Decimal:
    return ledger.balance(invoice.tenant_id, account, "usd")


def test_an_invoice_has_tax_a_due_date_and_the_day_s_addresses(invoice: Invoice) -> None:
    assert (invoice.subtotal, invoice.tax, invoice.total, invoice.tax_percent) == (1000, 70, 1070, 7)
    assert invoice.closed_at is not None
    assert invoice.due_at == invoice.closed_at + 14 * DAY
    assert (invoice.billed_to["name"], invoice.issued_by["name"]) == ("alice", "Assay")
    assert balance(invoice, Account.TAX) == -70
    assert OutboxMessage.objects.filter(topic="invoice.opened", payload={"invoice": str(invoice.id)}).count() == 1


def test_parts_pay_an_invoice_together(invoice: Invoice) -> None:
    payments.record(invoice, 1000, actor="test")
    assert (invoice.state, invoice.amount_due) == (InvoiceState.OPEN, 70)
    with pytest.raises(PaymentTooLarge):
        payments.record(invoice, 71, actor="test")
    payments.record(invoice, 70, actor="test")
    assert (invoice.state, invoice.amount_due, balance(invoice, Account.CASH)) == (InvoiceState.PAID, 0, 1070)
    with pytest.raises(InvoiceNotOpen):
        payments.record(invoice, 1, actor="test")
    assert balance(invoice, Account.RECEIVABLE) == 0


def test_a_provider_s_payment_is_booked_once_and_its_excess_becomes_credits(invoice: Invoice) -> None:
    first = payments.record(invoice, 1100, actor="stripe", provider="stripe", external_id="pi_1")
    again = payments.record(invoice, 1100, actor="stripe", provider="stripe", external_id="pi_1")
    assert (first.id, invoice.state, invoice.amount_due) == (again.id, InvoiceState.PAID, 0)
    (grant,) = CreditGrant.objects.for_tenant(invoice.tenant_id)
    assert (grant.kind, grant.amount, balance(invoice, Account.CREDIT)) == (GrantKind.RETURNED, 30, -30)


def test_a_payment_on_an_invoice_that_is_paid_already_is_all_excess(invoice: Invoice) -> None:
    invoices.mark_paid(invoice, actor="test")
    payments.record(invoice, 1070, actor="stripe", provider="stripe", external_id="pi_2")
    assert (balance(invoice, Account.CREDIT), balance(invoice, Account.CASH)) == (-1070, 2140)


def test_money_that_came_back_as_credits_is_refunded_only_once_they_are_voided(invoice: Invoice) -> None:
    made = payments.record(invoice, 1100, actor="stripe", provider="stripe", external_id="pi_3")
    with pytest.raises(RefundTooLarge):
        refunds.request(made, 1100, reason="x", actor="ann")
    credits.void(CreditGrant.objects.for_tenant(invoice.tenant_id).get(), reason="x", actor="ann")
    assert refunds.request(made, 1100, reason="x", actor="ann").amount == 1100


def test_a_voided_invoice_lets_its_use_go_to_the_next(invoice: Invoice) -> None:
    invoices.void(invoice, reason="wrong address", actor="test")
    assert (invoice.state, balance(invoice, Account.RECEIVABLE), balance(invoice, Account.TAX)) == ("void", 0, 0)
    assert balance(invoice, Account.ACCRUED) == 1000
    closing = ledger.booked(invoice.tenant_id, ("invoice", invoice.id), "closing")
    assert closing is not None
    assert closing.reversed_by.kind == "void.closing"
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.reverse(closing, kind="again", occurred_at=clock.now())
    (second,) = cycle.close_due(MARCH)
    assert (second.number, second.subtotal) == ("INV-000002", 1000)
    assert [line.description for line in second.lines.all()] == ["xray, completed analyses (prior period)"]
    assert {event.id for line in second.lines.all() for event in invoices.usage_of(line)} == set(
        UsageEvent.objects.values_list("id", flat=True)
    )


def test_an_invoice_on_which_money_has_moved_is_not_voided(invoice: Invoice) -> None:
    payments.record(invoice, 1, actor="test")
    with pytest.raises(InvoiceNotVoidable):
        invoices.void(invoice, reason="x", actor="test")
    invoices.mark_paid(invoice, actor="test")
    with pytest.raises(InvoiceNotOpen):
        invoices.void(invoice, reason="x", actor="test")


def test_what_is_given_up_is_bad_debt_until_it_is_paid(invoice: Invoice) -> None:
    payments.record(invoice, 70, actor="test")
    invoices.mark_uncollectible(invoice, reason="bankrupt", actor="test")
    assert (balance(invoice, Account.BAD_DEBT), balance(invoice, Account.RECEIVABLE)) == (1000, 0)
    assert books.check(invoice.tenant_id) == []
    payments.record(invoice, 400, actor="test")
    assert (invoice.state, balance(invoice, Account.BAD_DEBT)) == (InvoiceState.UNCOLLECTIBLE, 600)
    assert invoices.mark_paid(invoice, actor="test")
    assert (invoice.state, balance(invoice, Account.BAD_DEBT)) == (InvoiceState.PAID, 0)


def test_a_given_up_invoice_can_be_voided(invoice: Invoice) -> None:
    invoices.mark_uncollectible(invoice, reason="x", actor="test")
    invoices.void(invoice, reason="x", actor="test")
    assert (balance(invoice, Account.BAD_DEBT), balance(invoice, Account.RECEIVABLE)) == (0, 0)
    assert balance(invoice, Account.ACCRUED) == 1000


def test_credit_notes_take_off_net_and_tax_and_never_more_than_the_line(invoice: Invoice) -> None:
    line = invoice.lines.get()
    first = credit_notes.issue(invoice, {line.id: 333}, reason="bad pictures", actor="test")
    assert (first.number, first.net, first.tax, first.total) == ("CN-000001", 333, 23, 356)
    assert (invoice.state, invoice.amount_due) == (InvoiceState.OPEN, 714)
    for amount in (668, 0, -1):
        with pytest.raises(CreditNoteTooLarge), transaction.atomic():
            credit_notes.issue(invoice, {line.id: amount}, reason="x", actor="test")
    rest = credit_notes.issue(invoice, None, reason="all of it", actor="test")
    assert (first.total + rest.total, first.tax + rest.tax) == (1070, 70)
    assert (invoice.state, invoice.amount_due, balance(invoice, Account.RECEIVABLE)) == (InvoiceState.PAID, 0, 0)
    assert (balance(invoice, Account.REVENUE), balance(invoice, Account.TAX)) == (0, 0)
    with pytest.raises(CreditNoteTooLarge), transaction.atomic():
        credit_notes.issue(invoice, None, reason="x", actor="test")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        type(first).objects.update(total=1, net=1, tax=0)


def test_money_goes_back_when_the_refund_has_succeeded(invoice: Invoice) -> None:
    invoices.mark_paid(invoice, actor="test")
    payment = invoice.payments.get()
    note = credit_notes.issue(invoice, {invoice.lines.get().id: 500}, reason="x", actor="test")
    assert (invoice.amount_due, balance(invoice, Account.RECEIVABLE)) == (-535, -535)
    refund = refunds.request(payment, 535, reason="x", actor="test", credit_note=note)
    assert (refund.state, balance(invoice, Account.CASH)) == (RefundState.PENDING, 1070)
    assert OutboxMessage.objects.filter(topic="refund.requested").count() == 1
    with pytest.raises(RefundTooLarge, match=r"5\.35 USD"):
        refunds.request(payment, 536, reason="x", actor="test")
    with pytest.raises(RefundTooLarge):
        adjustments.request(
            invoice.tenant_id,
            AdjustmentKind.REFUND,
            10**9,
            reason="x",
            actor="ann",
            detail={"payment": str(payment.id)},
        )
    assert refunds.succeed(refund)
    assert not refunds.succeed(refund)
    assert not refunds.fail(refund, "late")
    payment.refresh_from_db()
    invoice.refresh_from_db()
    assert (payment.refunded, balance(invoice, Account.CASH), invoice.amount_due) == (535, 535, 0)


def test_a_refund_that_failed_moves_nothing_and_can_be_asked_for_again(invoice: Invoice) -> None:
    invoices.mark_paid(invoice, actor="test")
    payment = invoice.payments.get()
    failed = refunds.request(payment, 1070, reason="x", actor="test")
    assert refunds.fail(failed, "card is gone")
    assert (failed.state, balance(invoice, Account.CASH)) == (RefundState.FAILED, 1070)
    assert refunds.succeed(refunds.request(payment, 1070, reason="x", actor="test"))
    assert (balance(invoice, Account.CASH), balance(invoice, Account.RECEIVABLE)) == (0, 0)
    # without a credit note it is given out of goodwill: the tax is still due
    assert (balance(invoice, Account.REVENUE), balance(invoice, Account.TAX)) == (70, -70)


def test_credits_are_there_when_their_invoice_is_paid(invoice: Invoice) -> None:
    tenant = invoice.tenant_id
    purchase = credit_sales.sell(tenant, 5000, actor="test")
    assert (purchase.number, purchase.subtotal, purchase.tax, purchase.total) == ("INV-000002", 5000, 350, 5350)
    assert (balance(invoice, Account.CREDIT), books.check(tenant)) == (-5000, [])
    payments.record(purchase, 5000, actor="test")
    assert credits.available(tenant, "usd") == 0
    payments.record(purchase, 350, actor="test")
    (grant,) = CreditGrant.objects.for_tenant(tenant)
    assert (grant.kind, grant.amount, grant.key) == (GrantKind.PURCHASED, 5000, f"invoice:{purchase.id}")
    credit_notes.issue(purchase, {purchase.lines.get().id: 2000}, reason="too many", actor="test")
    assert (credits.available(tenant, "usd"), balance(invoice, Account.CREDIT)) == (3000, -3000)
    credits.void(grant, reason="fraud", actor="test")
    with pytest.raises(CreditsUsed), transaction.atomic():
        credit_notes.issue(purchase, None, reason="x", actor="test")


def test_an_order_of_credits_can_be_voided_or_credited_before_it_is_paid(invoice: Invoice) -> None:
    invoices.void(credit_sales.sell(invoice.tenant_id, 100, actor="test"), reason="x", actor="test")
    purchase = credit_sales.sell(invoice.tenant_id, 100, actor="test")
    credit_notes.issue(purchase, {purchase.lines.get().id: 40}, reason="x", actor="test")
    invoices.mark_paid(purchase, actor="test")
    assert (credits.available(invoice.tenant_id, "usd"), balance(invoice, Account.CREDIT)) == (60, -60)


def test_a_small_adjustment_is_done_at_once_and_a_large_one_by_two(invoice: Invoice, settings: object) -> None:
    tenant = invoice.tenant_id
    small = adjustments.request(tenant, AdjustmentKind.CREDIT, 10_000, reason="sorry", actor="ann", detail={})
    assert (small.state, credits.available(tenant, "usd")) == (AdjustmentState.APPLIED, 10_000)
    large = adjustments.request(tenant, AdjustmentKind.CREDIT, 10_001, reason="sorry", actor="ann", detail={})
    assert (large.state, credits.available(tenant, "usd")) == (AdjustmentState.PENDING, 10_000)
    for same in ("ann", " Ann", "ANN "):
        with pytest.raises(SecondPersonNeeded), transaction.atomic():
            adjustments.approve(large, actor=same)
    assert adjustments.approve(large, actor="bob").state == AdjustmentState.APPLIED
    assert credits.available(tenant, "usd") == 20_001
    with pytest.raises(AdjustmentDecided):
        adjustments.approve(large, actor="bob")
    with pytest.raises(AdjustmentDecided):
        adjustments.reject(large, actor="bob")


def test_each_kind_of_adjustment_does_what_it_says(invoice: Invoice) -> None:
    tenant = invoice.tenant_id
    granted = adjustments.request(tenant, AdjustmentKind.CREDIT, 50, reason="x", actor="ann", detail={})
    gone = {"grant": granted.outcome}
    with pytest.raises(AdjustmentMismatch), transaction.atomic():
        adjustments.request(tenant, AdjustmentKind.VOID_CREDIT, 49, reason="x", actor="ann", detail=gone)
    adjustments.request(tenant, AdjustmentKind.VOID_CREDIT, 50, reason="x", actor="ann", detail=gone)
    assert credits.available(tenant, "usd") == 0
    invoices.mark_paid(invoice, actor="test")
    about = {"invoice": str(invoice.id), "amounts": {str(invoice.lines.get().id): 100}}
    with pytest.raises(AdjustmentMismatch), transaction.atomic():
        adjustments.request(tenant, AdjustmentKind.CREDIT_NOTE, 100, reason="x", actor="ann", detail=about)
    note = adjustments.request(tenant, AdjustmentKind.CREDIT_NOTE, 107, reason="x", actor="ann", detail=about)
    back = {"payment": str(invoice.payments.get().id), "credit_note": note.outcome}
    adjustments.request(tenant, AdjustmentKind.REFUND, 107, reason="x", actor="ann", detail=back)
    rejected = adjustments.request(tenant, AdjustmentKind.CREDIT, 99_999, reason="x", actor="ann", detail={})
    assert adjustments.reject(rejected, actor="bob").state == AdjustmentState.REJECTED


def test_a_late_invoice_makes_past_due_then_suspends_and_payment_heals(invoice: Invoice) -> None:
    def status(at: datetime) -> str:
        ageing.age(at)
        return Subscription.objects.for_tenant(invoice.tenant_id).get().status

    assert invoice.due_at is not None
    assert status(invoice.due_at - DAY) == SubscriptionStatus.ACTIVE
    assert status(invoice.due_at) == SubscriptionStatus.PAST_DUE
    assert status(invoice.due_at + 13 * DAY) == SubscriptionStatus.PAST_DUE
    assert status(invoice.due_at + 14 * DAY) == SubscriptionStatus.SUSPENDED
    with clock.at(invoice.due_at + 15 * DAY):
        invoices.mark_paid(invoice, actor="test")
    found = Subscription.objects.for_tenant(invoice.tenant_id).get()
    assert (found.status, found.past_due_since) == (SubscriptionStatus.ACTIVE, None)


def test_giving_an_invoice_up_does_not_let_the_customer_work_again(invoice: Invoice) -> None:
    assert invoice.due_at is not None
    with clock.at(invoice.due_at + 15 * DAY):
        ageing.age(clock.now())
        invoices.mark_uncollectible(invoice, reason="no answer", actor="test")
        ageing.age(clock.now())
        found = Subscription.objects.for_tenant(invoice.tenant_id).get()
        assert found.status == SubscriptionStatus.SUSPENDED
        invoices.mark_paid(invoice, actor="test")
    found.refresh_from_db()
    assert found.status == SubscriptionStatus.ACTIVE


def test_replaying_the_journal_gives_every_balance(invoice: Invoice) -> None:
    invoices.mark_paid(invoice, actor="test")
    for (account, currency), amount in ledger.replay(invoice.tenant_id).items():
        assert ledger.balance(invoice.tenant_id, Account(account), currency) == amount


def test_control_a_booking_without_its_invoice_is_found(alice: Party) -> None:
    customer = Customer(alice.tenant)
    with operator_context():
        ledger.post(
            customer.id, source=("test", customer.id), kind="wrong", currency="usd", occurred_at=clock.now(),
            postings=[ledger.Posting(Account.RECEIVABLE, Decimal(5)), ledger.Posting(Account.REVENUE, Decimal(-5))],
        )  # fmt: skip
        (fault,) = books.check_all()
    assert (fault.account, fault.booked, fault.counted) == (Account.RECEIVABLE, 5, 0)
    with operator_context():
        booked = LedgerTransaction.objects.get(kind="wrong")
        ledger.reverse(booked, kind="mended", occurred_at=clock.now())
        assert books.check_all() == []
        assert LedgerEntry.objects.count() == 4
