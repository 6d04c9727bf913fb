"""Payments of invoices: several for one, the last of which makes it paid."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from billing import ageing, clock, credit_sales, credits, ledger, outbox
from billing.errors import InvoiceNotOpen, PaymentTooLarge
from billing.locking import locked
from billing.models import Account, GrantKind, Invoice, InvoiceState, Payment
from tenants import audit

LOCAL = "local"


def record(
    invoice: Invoice,
    amount: int,
    *,
    actor: str,
    method: str = "manual",
    provider: str = LOCAL,
    external_id: str = "",
    reference: str = "",
) -> Payment:
    """Book money that came for an invoice, minor units; once for a provider's `external_id`.

    What a provider has taken too much is granted as credits. Raises `PaymentTooLarge` where it was to be recorded by
    hand, `InvoiceNotOpen` for a draft, or a closed invoice by hand, and `ValueError` for nothing.
    """
    if amount <= 0:
        raise ValueError("a payment must be above zero")
    with transaction.atomic():
        row = locked(invoice)
        before = _recorded(row, provider, external_id)
        if before is not None:
            return before
        excess = _excess(row, amount, provider)
        made: Payment = Payment.objects.create(
            tenant_id=row.tenant_id, invoice=row, amount=amount, currency=row.currency, method=method,
            provider=provider, external_id=external_id, reference=reference, received_at=clock.now(), recorded_by=actor,
        )  # fmt: skip
        _book(row, made, excess)
        row.amount_paid += amount - excess
        row.save(update_fields=["amount_paid"])
        settle(row)
        _tell(row, made)
        _return(made, excess)
        audit.record("invoice.payment", tenant_id=row.tenant_id, actor=actor, subject=str(row.number), amount=amount)
    invoice.refresh_from_db()
    return made


def settle(row: Invoice) -> None:
    """Let a locked invoice on which nothing is due any more be paid, with what follows from it."""
    if row.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE) or row.amount_due > 0:
        return
    row.state, row.paid_at = InvoiceState.PAID, clock.now()
    row.save(update_fields=["state", "paid_at"])
    credit_sales.deliver(row)
    ageing.refresh(row.tenant_id)
    audit.record("invoice.paid", tenant_id=row.tenant_id, actor="billing", subject=str(row.number))


def excess_key(payment: Payment) -> str:
    """The key of the grant that returns what of a payment was too much."""
    return f"payment:{payment.id}"


def owed_on(row: Invoice) -> Account:
    """The account on which what is due of an invoice stands."""
    return Account.BAD_DEBT if row.state == InvoiceState.UNCOLLECTIBLE else Account.RECEIVABLE


def _recorded(row: Invoice, provider: str, external_id: str) -> Payment | None:
    if not external_id:
        return None
    found: Payment | None = (
        Payment.objects.for_tenant(row.tenant_id).filter(provider=provider, external_id=external_id).first()
    )
    return found


def _excess(row: Invoice, amount: int, provider: str) -> int:
    """What of a payment is more than is due."""
    payable = row.state in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)
    due = max(0, row.amount_due) if payable else 0
    if row.state == InvoiceState.DRAFT or (provider == LOCAL and not payable):
        raise InvoiceNotOpen(number=row.number or "", state=row.state)
    if provider == LOCAL and amount > due:
        raise PaymentTooLarge(due=due, number=row.number)
    return max(0, amount - due)


def _book(row: Invoice, payment: Payment, excess: int) -> None:
    postings = [
        ledger.Posting(Account.CASH, Decimal(payment.amount)),
        ledger.Posting(owed_on(row), Decimal(excess - payment.amount)),
        ledger.Posting(Account.CREDIT, Decimal(-excess)),
    ]
    ledger.post(
        row.tenant_id, source=("payment", payment.id), kind="payment", currency=row.currency, postings=postings,
        occurred_at=payment.received_at,
    )  # fmt: skip


def _tell(row: Invoice, payment: Payment) -> None:
    """Whoever collects must not collect again what has come by another way."""
    if payment.provider == LOCAL:
        outbox.enqueue(
            row.tenant_id, "payment.recorded", key=f"payment.recorded:{payment.id.hex}",
            payload={"invoice": str(row.id), "payment": str(payment.id)}, serial=f"customer:{row.tenant_id}",
        )  # fmt: skip


def _return(payment: Payment, excess: int) -> None:
    if excess:
        credits.grant(
            payment.tenant_id, Decimal(excess), payment.currency, kind=GrantKind.RETURNED, reason="paid too much",
            actor="billing", invoice=payment.invoice, key=excess_key(payment),
        )  # fmt: skip
