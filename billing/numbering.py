"""Numbers without a gap: one sequence for each issuer of invoices or of credit notes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F

from billing.models import InvoiceSequence

INVOICES, CREDIT_NOTES = "INV", "CN"


@dataclass(frozen=True, slots=True)
class Number:
    """As `INV-000001`."""

    issuer: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.issuer}-{self.sequence:06d}"


def take(issuer: str) -> Number:
    """The next number. Its row stays locked until the transaction ends, so take it last; a failure gives it back."""
    InvoiceSequence.objects.bulk_create([InvoiceSequence(issuer=issuer)], ignore_conflicts=True)
    row = InvoiceSequence.objects.filter(pk=issuer)
    row.update(last=F("last") + 1)
    return Number(issuer, row.get().last)
