"""Booking: transactions that sum to zero exactly, written once, corrected only by further ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.transaction import atomic

from billing.domain.money import ZERO, total
from billing.errors import Unbalanced
from billing.fields import ExactSum
from billing.models import Account, LedgerEntry, LedgerTransaction
from tenants.context import operator_context


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transaction, exact minor units: debits positive, credits negative."""

    account: Account
    amount: Decimal


def post(
    tenant_id: UUID,
    *,
    source: tuple[str, UUID],
    kind: str,
    currency: str,
    postings: Sequence[Posting],
    occurred_at: datetime,
) -> LedgerTransaction | None:
    """Book one transaction of one currency. None where there is nothing but zeros: free work moves no money.

    Raises `Unbalanced` unless the amounts sum to zero, and `IntegrityError` when this kind was booked for the source.
    """
    if total(posting.amount for posting in postings) != ZERO:
        raise Unbalanced(f"{source[0]} {source[1]} {kind}")
    moved = [posting for posting in postings if posting.amount]
    if not moved:
        return None
    with atomic():
        booked: LedgerTransaction = LedgerTransaction.objects.create(
            tenant_id=tenant_id, source_type=source[0], source_id=str(source[1]), kind=kind, occurred_at=occurred_at
        )
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                tenant_id=tenant_id, transaction=booked, account=each.account, amount=each.amount, currency=currency
            )
            for each in moved
        )
    return booked


def booked(tenant_id: UUID, source: tuple[str, UUID], kind: str) -> LedgerTransaction | None:
    """What was booked in this kind for a source, if anything was."""
    rows = LedgerTransaction.objects.for_tenant(tenant_id)
    found: LedgerTransaction | None = rows.filter(source_type=source[0], source_id=str(source[1]), kind=kind).first()
    return found


def reverse(transaction: LedgerTransaction, *, kind: str, occurred_at: datetime) -> LedgerTransaction:
    """Book the opposite of every entry, for the same source. Raises `IntegrityError` for one reversed before."""
    with atomic():
        made: LedgerTransaction = LedgerTransaction.objects.create(
            tenant_id=transaction.tenant_id, source_type=transaction.source_type, source_id=transaction.source_id,
            kind=kind, occurred_at=occurred_at, reverses=transaction,
        )  # fmt: skip
        entries = LedgerEntry.objects.for_tenant(transaction.tenant_id).filter(transaction=transaction)
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                tenant_id=each.tenant_id, transaction=made, account=each.account, amount=-each.amount,
                currency=each.currency,
            )
            for each in entries
        )  # fmt: skip
    return made


def replay(tenant_id: UUID) -> dict[tuple[str, str], Decimal]:
    """The balance of every (account, currency), from the journal alone. Raises `Unbalanced` where a step is."""
    balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for step in LedgerTransaction.objects.for_tenant(tenant_id).prefetch_related("entries").order_by("id"):
        entries = list(step.entries.all())
        for currency in {entry.currency for entry in entries}:
            if total(entry.amount for entry in entries if entry.currency == currency) != ZERO:
                raise Unbalanced(str(step))
        for entry in entries:
            place = (entry.account, entry.currency)
            balances[place] = total([balances[place], entry.amount])
    return dict(balances)


def balance(tenant_id: UUID, account: Account, currency: str) -> Decimal:
    """The sum of an account's entries, exact minor units; debits positive."""
    entries = LedgerEntry.objects.for_tenant(tenant_id).filter(account=account, currency=currency)
    summed: Decimal | None = entries.aggregate(sum=ExactSum("amount"))["sum"]
    return summed or ZERO


def unbalanced() -> list[UUID]:
    """The transactions of all tenants whose entries do not sum to zero in some currency; empty when all is well."""
    with operator_context():
        sums = LedgerEntry.objects.order_by().values("transaction_id", "currency").annotate(sum=ExactSum("amount"))
        return [row["transaction_id"] for row in sums if row["sum"] != ZERO]
