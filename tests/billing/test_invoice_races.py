"""Invoices, payments and coupons when everybody comes at once; and controls that break it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import pytest

from billing import books, clock, coupon_codes, credit_notes, cycle, numbering, payments, quota
from billing.errors import CouponRefused, CreditNoteTooLarge, InvoiceNotOpen, PaymentTooLarge
from billing.models import Coupon, CreditNote, Invoice, Redemption
from tenants.context import operator_context, tenant_context
from tests.billing.race import failures, race
from tests.billing.work import on_plan
from tests.conftest import Party, make_party

pytestmark = pytest.mark.django_db(transaction=True)
JANUARY = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)


@pytest.fixture
def alice(transactional_db: None) -> Party:
    """The tenant, in a database that other connections see."""
    return make_party("alice")


def numbers_of_four_of_which_one_fails() -> list[int]:
    customers = [on_plan(make_party(f"tenant{number}").tenant, "per-service") for number in range(4)]
    for customer in customers:
        customer.finish()

    def cancel(number: int) -> None:
        with tenant_context(customers[number].id):
            subscription = quota.subscription_of(customers[number].id)
            assert subscription is not None
            cycle.end(subscription, actor="test")
            if number == 0:
                raise RuntimeError

    cancelled = [race(1, lambda _, number=number: cancel(number)) for number in range(4)]
    assert len(failures([outcome for each in cancelled for outcome in each])) == 1
    with operator_context():
        return sorted(Invoice.objects.values_list("sequence", flat=True))


def test_a_closing_that_is_rolled_back_takes_no_number_along(transactional_db: None) -> None:
    assert numbers_of_four_of_which_one_fails() == [1, 2, 3]


def test_control_a_number_that_is_not_part_of_the_transaction_leaves_a_gap(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a sequence of the database would: must leave a gap, or the test above proves nothing."""
    sequence = count(1)
    monkeypatch.setattr(numbering, "take", lambda issuer: numbering.Number(issuer, next(sequence)))
    assert numbers_of_four_of_which_one_fails() == [2, 3, 4]


def test_the_last_of_a_coupon_is_redeemed_once(transactional_db: None) -> None:
    customers = [on_plan(make_party(f"tenant{number}").tenant, "per-service") for number in range(4)]
    with operator_context():
        Coupon.objects.create(code="LAST", percent=10, max_redemptions=2)

    def redeem(number: int) -> None:
        with tenant_context(customers[number].id):
            coupon_codes.redeem(customers[number].id, "LAST", actor="test")

    outcomes = race(4, redeem)
    assert [type(error) for error in failures(outcomes)] == [CouponRefused, CouponRefused]
    with operator_context():
        assert (Coupon.objects.get().redeemed, Redemption.objects.count()) == (2, 2)


def test_credit_notes_that_are_issued_at_once_never_exceed_a_line_and_their_numbers_have_no_gap(alice: Party) -> None:
    invoice = closed_invoice_of(alice)
    line = line_of(invoice)

    def credit(_: int) -> None:
        with tenant_context(alice.tenant.id):
            credit_notes.issue(invoice, {line: 200}, reason="x", actor="test")

    outcomes = race(4, credit)
    assert [type(error) for error in failures(outcomes)] == [CreditNoteTooLarge, CreditNoteTooLarge]
    with tenant_context(alice.tenant.id):
        assert list(CreditNote.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]
        assert books.check(alice.tenant.id) == []


def test_payments_that_come_at_once_are_never_more_than_what_is_due(alice: Party) -> None:
    invoice = closed_invoice_of(alice)

    def pay(_: int) -> None:
        with tenant_context(alice.tenant.id):
            payments.record(Invoice.objects.get(pk=invoice.pk), 250, actor="test")

    outcomes = race(4, pay)
    assert all(isinstance(error, (PaymentTooLarge, InvoiceNotOpen)) for error in failures(outcomes))
    assert len(failures(outcomes)) == 2
    with tenant_context(alice.tenant.id):
        assert Invoice.objects.get().state == "paid"
        assert books.check(alice.tenant.id) == []


def closed_invoice_of(party: Party) -> Invoice:
    """Of 500 for one analysis."""
    with clock.at(JANUARY):
        on_plan(party.tenant, "per-service").finish()
    (invoice,) = cycle.close_due(FEBRUARY)
    return invoice


def line_of(invoice: Invoice) -> UUID:
    with tenant_context(invoice.tenant_id):
        return UUID(str(invoice.lines.get().pk))
