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


@dataclass(frozen=True, slots=True)
class Booking:
    """One transaction of one currency: what it comes from, of which kind it is, and its sides."""

    tenant_id: UUID
    source: tuple[str, UUID]
    kind: str
    currency: str
    postings: Sequence[Posting]
    occurred_at: datetime

    @property
    def moved(self) -> list[Posting]:
        """The sides that are not zero."""
        return [posting for posting in self.postings if posting.amount]


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
    made = post_all([Booking(tenant_id, source, kind, currency, postings, occurred_at)])
    return made[0] if made else None


def post_all(bookings: Sequence[Booking]) -> list[LedgerTransaction]:
    """`post` for many, in two statements; nothing is written for those that are all zeros. Raises what `post` does."""
    for each in bookings:
        if total(posting.amount for posting in each.postings) != ZERO:
            raise Unbalanced(f"{each.source[0]} {each.source[1]} {each.kind}")
    moving = [each for each in bookings if each.moved]
    if not moving:
        return []
    # no savepoint where there is a transaction: half a booking ends it
    with atomic(savepoint=False):
        made = LedgerTransaction.objects.bulk_create(map(_transaction, moving))
        LedgerEntry.objects.bulk_create(
            entry for each, booked in zip(moving, made, strict=True) for entry in _entries(each, booked)
        )
    return list(made)


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


def _transaction(booking: Booking) -> LedgerTransaction:
    source_type, source_id = booking.source
    return LedgerTransaction(
        tenant_id=booking.tenant_id, source_type=source_type, source_id=str(source_id), kind=booking.kind,
        occurred_at=booking.occurred_at,
    )  # fmt: skip


def _entries(booking: Booking, booked: LedgerTransaction) -> list[LedgerEntry]:
    return [
        LedgerEntry(
            tenant_id=booking.tenant_id, transaction=booked, account=side.account, amount=side.amount,
            currency=booking.currency,
        )
        for side in booking.moved
    ]  # fmt: skip


def unbalanced() -> list[UUID]:
    """The transactions of all tenants whose entries do not sum to zero in some currency; empty when all is well."""
    with operator_context():
        sums = LedgerEntry.objects.order_by().values("transaction_id", "currency").annotate(sum=ExactSum("amount"))
        return [row["transaction_id"] for row in sums if row["sum"] != ZERO]
