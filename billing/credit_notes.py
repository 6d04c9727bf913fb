"""Credit notes: amounts taken off the lines of a closed invoice, with the discount and tax on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import clock, credit_sales, credits, ledger, numbering, outbox, payments
from billing.domain import crediting
from billing.domain.crediting import Credited, Sums
from billing.errors import CreditNoteTooLarge, CreditsUsed, InvoiceNotOpen
from billing.locking import locked
from billing.models import Account, CreditNote, CreditNoteLine, Invoice, InvoiceKind, InvoiceLine, InvoiceState
from tenants import audit

CREDITABLE = (InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE)


def issue(invoice: Invoice, amounts: Mapping[UUID, int] | None, *, reason: str, actor: str) -> CreditNote:
    """Take amounts, minor units as they stand on the lines, off an invoice; None: all that is left of every line.

    What is due shrinks by it; what was paid already can be refunded. Raises `InvoiceNotOpen` for a draft and a void
    invoice, `CreditNoteTooLarge`, and `CreditsUsed` for a purchase of credits that are gone.
    """
    with transaction.atomic():
        row = _creditable(invoice)
        taken, worth = _worth(row, amounts)
        _take_credits_back(row, worth)
        note = _write(row, taken, worth, reason, actor)
        _book(row, note)
        row.amount_credited += note.total
        row.save(update_fields=["amount_credited"])
        payments.settle(row)
        outbox.enqueue(
            row.tenant_id, "credit_note.issued", key=f"credit_note:{note.id.hex}",
            payload={"credit_note": str(note.id)}, serial=f"customer:{row.tenant_id}",
        )  # fmt: skip
        audit.record("credit_note.issued", tenant_id=row.tenant_id, actor=actor, subject=note.number, reason=reason)
    invoice.refresh_from_db()
    return note


def worth(invoice: Invoice, amounts: Mapping[UUID, int] | None) -> Credited:
    """What a credit note of these amounts would come to now. Raises what `issue` raises; writes nothing."""
    return _worth(_creditable(invoice), amounts)[1]


def _creditable(invoice: Invoice) -> Invoice:
    row = locked(invoice)
    if row.state not in CREDITABLE:
        raise InvoiceNotOpen(number=row.number or "", state=row.state)
    return row


def _worth(row: Invoice, amounts: Mapping[UUID, int] | None) -> tuple[dict[UUID, int], Credited]:
    """What is taken off each line, and what it comes to. The invoice is locked: no other note comes in between."""
    lines = dict(InvoiceLine.objects.for_tenant(row.tenant_id).filter(invoice=row).values_list("id", "amount"))
    before = _credited_before(row)
    taken = crediting.left_of(lines, before) if amounts is None else dict(amounts)
    fitting = all(crediting.fits(lines.get(line, 0), before[line], amount) for line, amount in taken.items())
    sums = Sums(row.subtotal, row.discount, row.tax)
    try:
        found = crediting.credited(sums, sum(before.values()), sum(taken.values()))
    except ValueError as error:
        raise CreditNoteTooLarge(number=row.number) from error
    if not fitting or not found.total:
        raise CreditNoteTooLarge(number=row.number)
    return taken, found


def _credited_before(row: Invoice) -> defaultdict[UUID, int]:
    found: defaultdict[UUID, int] = defaultdict(int)
    lines = CreditNoteLine.objects.for_tenant(row.tenant_id).filter(credit_note__invoice=row)
    for line, amount in lines.values_list("invoice_line_id", "amount"):
        found[line] += amount
    return found


def _take_credits_back(row: Invoice, worth: Credited) -> None:
    """Credits that were bought and paid for go with the money for them."""
    grant = credit_sales.grant_of(row) if row.kind == InvoiceKind.CREDITS else None
    if grant is not None and not credits.take_back(grant, Decimal(worth.net)):
        raise CreditsUsed(number=row.number)


def _write(row: Invoice, taken: Mapping[UUID, int], worth: Credited, reason: str, actor: str) -> CreditNote:
    number = numbering.take(numbering.CREDIT_NOTES)
    note: CreditNote = CreditNote.objects.create(
        tenant_id=row.tenant_id, invoice=row, issuer=number.issuer, sequence=number.sequence, number=str(number),
        currency=row.currency, net=worth.net, tax=worth.tax, total=worth.total, reason=reason,
        issued_at=clock.now(), issued_by=actor,
    )  # fmt: skip
    CreditNoteLine.objects.bulk_create(
        CreditNoteLine(tenant_id=row.tenant_id, credit_note=note, invoice_line_id=line, amount=amount)
        for line, amount in taken.items()
    )
    return note


def _book(row: Invoice, note: CreditNote) -> None:
    given_up = Account.CREDIT if row.kind == InvoiceKind.CREDITS else Account.REVENUE
    postings = [
        ledger.Posting(given_up, Decimal(note.net)),
        ledger.Posting(Account.TAX, Decimal(note.tax)),
        ledger.Posting(payments.owed_on(row), Decimal(-note.total)),
    ]
    ledger.post(
        row.tenant_id, source=("credit_note", note.id), kind="credit_note", currency=row.currency,
        postings=postings, occurred_at=note.issued_at,
    )  # fmt: skip
