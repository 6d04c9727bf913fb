"""Refunds: asked for, carried out by whoever collected the money, booked when the money has gone."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from billing import clock, ledger, outbox, payments
from billing.domain.money import in_major_units
from billing.errors import RefundTooLarge
from billing.locking import locked
from billing.models import Account, CreditGrant, CreditNote, Invoice, Payment, Refund, RefundState
from tenants import audit


def request(payment: Payment, amount: int, *, reason: str, actor: str, credit_note: CreditNote | None = None) -> Refund:
    """Ask for money to go back, minor units; nothing is booked yet. Raises `RefundTooLarge`, `ValueError` for nothing.

    Refunds that are under way count: together they are never above the payment.
    """
    if amount <= 0:
        raise ValueError("a refund must be above zero")
    with transaction.atomic():
        locked(payment.invoice)
        refuse_too_large(payment, amount)
        made: Refund = Refund.objects.create(
            tenant_id=payment.tenant_id, payment=payment, credit_note=credit_note, amount=amount,
            currency=payment.currency, reason=reason, requested_at=clock.now(), requested_by=actor,
        )  # fmt: skip
        outbox.enqueue(
            made.tenant_id, "refund.requested", key=f"refund:{made.id.hex}", payload={"refund": str(made.id)},
            serial=f"customer:{made.tenant_id}",
        )  # fmt: skip
        audit.record("refund.requested", tenant_id=made.tenant_id, actor=actor, subject=str(made.id), reason=reason)
    return made


def refuse_too_large(payment: Payment, amount: int) -> None:
    """Raises `RefundTooLarge` where less is left of the payment."""
    refunds = Refund.objects.for_tenant(payment.tenant_id).filter(payment=payment)
    taken = refunds.exclude(state=RefundState.FAILED).aggregate(sum=Sum("amount"))["sum"] or 0
    left = payment.amount - taken - _given_as_credits(payment)
    if amount > left:
        raise RefundTooLarge(left=in_major_units(left, payment.currency), currency=payment.currency.upper())


def _given_as_credits(payment: Payment) -> int:
    """What of a payment was too much, and is with the customer as credits: voiding them makes it money again."""
    grants = CreditGrant.objects.for_tenant(payment.tenant_id).filter(key=payments.excess_key(payment))
    return sum(int(grant.amount - grant.voided) for grant in grants)


def succeed(refund: Refund, *, external_id: str = "") -> bool:
    """The money has gone: book it. False for one that has ended before.

    What the customer had paid beyond the invoice, as after a credit note, is owed to him and settled by it; what goes
    beyond that is given out of goodwill and lessens the revenue.
    """
    with transaction.atomic():
        invoice = locked(refund.payment.invoice)
        row = _pending(refund)
        if row is None:
            return False
        _end(row, RefundState.SUCCEEDED, external_id)
        payment = Payment.objects.for_tenant(row.tenant_id).select_for_update(no_key=True).get(pk=row.payment_id)
        payment.refunded += row.amount
        payment.save(update_fields=["refunded"])
        owed = min(row.amount, max(0, -invoice.amount_due))
        invoice.amount_paid -= owed
        invoice.save(update_fields=["amount_paid"])
        _book(row, invoice, owed)
    refund.refresh_from_db()
    return True


def fail(refund: Refund, why: str) -> bool:
    """The money did not go: nothing is booked, and it can be asked for again. False for one that has ended before."""
    with transaction.atomic():
        locked(refund.payment.invoice)
        row = _pending(refund)
        if row is None:
            return False
        _end(row, RefundState.FAILED, "")
        audit.record("refund.failed", tenant_id=row.tenant_id, actor="billing", subject=str(row.id), reason=why)
    refund.refresh_from_db()
    return True


def _pending(refund: Refund) -> Refund | None:
    rows = Refund.objects.for_tenant(refund.tenant_id).filter(pk=refund.pk, state=RefundState.PENDING)
    row: Refund | None = rows.select_for_update(no_key=True).first()
    return row


def _end(row: Refund, state: RefundState, external_id: str) -> None:
    row.state, row.ended_at = state, clock.now()
    row.external_id = external_id or row.external_id
    row.save(update_fields=["state", "ended_at", "external_id"])


def _book(row: Refund, invoice: Invoice, owed: int) -> None:
    postings = [
        ledger.Posting(Account.RECEIVABLE, Decimal(owed)),
        ledger.Posting(Account.REVENUE, Decimal(row.amount - owed)),
        ledger.Posting(Account.CASH, Decimal(-row.amount)),
    ]
    ledger.post(
        row.tenant_id, source=("refund", row.id), kind="refund", currency=row.currency, postings=postings,
        occurred_at=clock.now(),
    )  # fmt: skip
