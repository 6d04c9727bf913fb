"""Numbers without a gap: one sequence for each issuer of invoices or of credit notes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from billing.models import InvoiceSequence

INVOICES, CREDIT_NOTES = "INV", "CN"
NEXT = "UPDATE billing_invoicesequence SET last = last + 1 WHERE issuer = %s RETURNING last"


@dataclass(frozen=True, slots=True)
class Number:
    """As `INV-000001`."""

    issuer: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.issuer}-{self.sequence:06d}"


def take(issuer: str) -> Number:
    """The next number. Its row stays locked until the transaction ends, so take it last; a failure gives it back."""
    last = _next(issuer)
    if last is None:
        InvoiceSequence.objects.bulk_create([InvoiceSequence(issuer=issuer)], ignore_conflicts=True)
        last = _next(issuer)
    assert last is not None
    return Number(issuer, last)


def _next(issuer: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [issuer])
        found = cursor.fetchone()
    last: int | None = found[0] if found else None
    return last
