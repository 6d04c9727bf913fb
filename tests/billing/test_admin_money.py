"""What operators do to invoices, payments, refunds, credits and adjustments, each by its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing import clock, cycle, invoices, payments
from billing.models import (
    Adjustment,
    AdjustmentState,
    BillingCustomer,
    CreditGrant,
    CreditNote,
    Invoice,
    InvoiceState,
    Payment,
    Refund,
    RefundState,
)
from tenants.context import operator_context
from tests.billing import operators
from tests.billing.operators import Refused, do
from tests.billing.work import make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
MAY, JUNE = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 2, tzinfo=UTC)
REASON = "agreed on the phone"


@pytest.fixture(autouse=True)
def _june(db: None, settings: Any) -> Iterator[None]:
    settings.ASSAY_ADJUSTMENT_LIMIT = 3000
    with clock.at(JUNE):
        yield


@pytest.fixture
def invoice(alice: Party) -> Invoice:
    """An open one of 50.30: a fee of 50.00 and three units of work at 0.10."""
    make_plan("fifty", fee="5000")
    with clock.at(MAY):
        on_plan(alice.tenant, "fifty").finish(3)
    (made,) = cycle.advance(JUNE)
    return made


def fresh(row: Any) -> Any:
    with operator_context():
        return type(row).objects.get(pk=row.pk)


def only(model: Any) -> Any:
    with operator_context():
        return model.objects.get()


def paid(invoice: Invoice) -> Payment:
    with operator_context():
        invoices.mark_paid(invoice, actor="test")
    payment: Payment = only(Payment)
    return payment


def test_a_part_and_then_the_rest_pay_an_invoice(invoice: Invoice) -> None:
    client = operators.operator()
    words = {"method": "bank_transfer", "reference": "R-1"}
    told = do(client, invoice, "record_payment", amount="20.30", **words)
    assert told.replace("\u00a0", " ") == "20.30 USD were recorded; 30.00 USD are still due."
    assert fresh(invoice).state == InvoiceState.OPEN
    do(client, invoice, "record_payment", amount="30", **words)
    assert fresh(invoice).state == InvoiceState.PAID
    assert len(operators.traces("invoice.payment")) == 2


@pytest.mark.parametrize(
    ("amount", "why"),
    [("50.31", "Only 5030 is due"), ("0.001", "no such small part"), ("-1", "greater"), ("", "required")],
)
def test_a_payment_that_can_not_be_is_refused_with_the_reason(invoice: Invoice, amount: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        do(operators.operator(), invoice, "record_payment", amount=amount, method="cash")
    with operator_context():
        assert not Payment.objects.exists()


def test_to_look_at_an_acts_page_does_nothing(invoice: Invoice) -> None:
    client = operators.operator()
    for act in ("record_payment", "credit_note", "void", "uncollectible"):
        assert client.get(operators.address(invoice, act)).status_code == 200
    assert fresh(invoice).state == InvoiceState.OPEN


def test_an_invoice_is_voided_with_a_reason(invoice: Invoice) -> None:
    client = operators.operator()
    with pytest.raises(Refused, match="required"):
        do(client, invoice, "void")
    assert fresh(invoice).state == InvoiceState.OPEN
    do(client, invoice, "void", reason=REASON)
    assert fresh(invoice).state == InvoiceState.VOID


def test_a_refusal_of_the_service_is_shown_and_nothing_is_done(invoice: Invoice) -> None:
    paid(invoice)
    with pytest.raises(Refused, match="is paid"):
        do(operators.operator(), invoice, "void", reason=REASON)


def test_an_invoice_is_given_up(invoice: Invoice) -> None:
    do(operators.operator(), invoice, "uncollectible", reason=REASON)
    assert fresh(invoice).state == InvoiceState.UNCOLLECTIBLE


def test_a_credit_note_shows_what_it_comes_to_before_it_is_issued(invoice: Invoice) -> None:
    client = operators.operator()
    words = {"line_1": "10", "reason": REASON}
    page = client.post(operators.address(invoice, "credit_note"), words).content.decode().replace("\u00a0", " ")
    assert "10.00 USD" in page
    with operator_context():
        assert not CreditNote.objects.exists()
    do(client, invoice, "credit_note", **words)
    assert only(CreditNote).total == 1000
    assert only(CreditNote).reason == REASON


def test_a_credit_note_above_the_limit_waits_for_another_person(invoice: Invoice) -> None:
    asker, other = operators.operator("asker"), operators.operator("other")
    told = do(asker, invoice, "credit_note", line_1="40", reason=REASON)
    assert "another person" in told
    adjustment = only(Adjustment)
    assert adjustment.state == AdjustmentState.PENDING
    with pytest.raises(Refused, match="Another person"):
        do(asker, adjustment, "approve")
    do(other, adjustment, "approve")
    assert only(CreditNote).total == 4000
    assert fresh(adjustment).state == AdjustmentState.APPLIED
    assert fresh(adjustment).decided_by != adjustment.requested_by


def test_what_is_rejected_is_not_done(invoice: Invoice) -> None:
    do(operators.operator("asker"), invoice, "credit_note", line_1="40", reason=REASON)
    do(operators.operator("other"), only(Adjustment), "reject")
    assert only(Adjustment).state == AdjustmentState.REJECTED
    with operator_context():
        assert not CreditNote.objects.exists()


def test_what_waits_is_counted_in_the_menu(invoice: Invoice) -> None:
    client = operators.operator()
    assert badges(client) == []
    do(client, invoice, "credit_note", line_1="40", reason=REASON)
    assert badges(client) == ["1"]


def badges(client: Client) -> list[str]:
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    return [item["badge"] for group in groups for item in group["items"] if "badge" in item]


def test_a_credit_note_of_nothing_is_refused(invoice: Invoice) -> None:
    with pytest.raises(Refused, match="at least one line"):
        do(operators.operator(), invoice, "credit_note", reason=REASON)


def test_a_credit_note_takes_no_more_than_the_line(invoice: Invoice) -> None:
    with pytest.raises(Refused, match="left of each line"):
        do(operators.operator(), invoice, "credit_note", line_2="0.31", reason=REASON)


def test_a_refund_is_asked_for_on_the_payment_and_booked_when_it_has_gone(invoice: Invoice) -> None:
    payment, client = paid(invoice), operators.operator()
    do(client, payment, "refund", amount="10", credit_note="", reason=REASON)
    refund = only(Refund)
    assert (refund.amount, refund.state) == (1000, RefundState.PENDING)
    do(client, refund, "gone")
    assert fresh(refund).state == RefundState.SUCCEEDED
    assert fresh(payment).refunded == 1000


def test_a_refund_that_did_not_go_can_be_asked_for_again(invoice: Invoice) -> None:
    payment, client = paid(invoice), operators.operator()
    do(client, payment, "refund", amount="10", credit_note="", reason=REASON)
    do(client, only(Refund), "failed", reason="account closed")
    assert only(Refund).state == RefundState.FAILED
    assert fresh(payment).refunded == 0


@pytest.mark.parametrize("act", ["gone", "failed"])
def test_a_refund_that_a_provider_carries_out_is_not_ended_by_hand(invoice: Invoice, act: str) -> None:
    with operator_context():
        payment = payments.record(invoice, 5030, actor="test", provider="stripe", external_id="ch_1")
    client = operators.operator()
    do(client, payment, "refund", amount="10", credit_note="", reason=REASON)
    with pytest.raises(Refused, match="stripe carries it out"):
        do(client, only(Refund), act, reason=REASON)
    assert only(Refund).state == RefundState.PENDING


def test_credits_are_given_and_what_is_left_is_voided(invoice: Invoice) -> None:
    client = operators.operator()
    words = {"amount": "12.34", "expires_on": "2027-12-31", "reason": REASON}
    do(client, CreditGrant, "give", customer=str(only(BillingCustomer).pk), **words)
    grant = only(CreditGrant)
    assert (grant.amount, grant.reason) == (Decimal(1234), REASON)
    assert grant.expires_at == datetime(2027, 12, 31, tzinfo=UTC)
    do(client, grant, "void", reason="a mistake")
    assert fresh(grant).voided == 1234
    with pytest.raises(Refused, match="Nothing of these credits is left"):
        do(client, grant, "void", reason="again")


@pytest.mark.parametrize("act", ["pdf_en", "pdf_zh"])
def test_who_may_look_reads_the_invoice_as_paper(invoice: Invoice, act: str) -> None:
    answer = operators.looker().get(operators.address(invoice, act))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")


def test_pages_write_money_in_the_currencys_units(invoice: Invoice) -> None:
    page = operators.looker().get(operators.address(invoice)).content.decode().replace("\u00a0", " ")
    assert "50.30 USD" in page
    assert "5030" not in page
