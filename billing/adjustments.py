"""What an operator does to a customer's money: with a reason, and with a second person above a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing import clock, credit_notes, credits, locking, refunds
from billing.domain.money import ZERO
from billing.errors import AdjustmentDecided, AdjustmentMismatch, SecondPersonNeeded
from billing.models import (
    Adjustment,
    AdjustmentKind,
    AdjustmentState,
    CreditGrant,
    CreditNote,
    GrantKind,
    Invoice,
    Payment,
)
from tenants import audit


def request(
    tenant_id: UUID, kind: AdjustmentKind, amount: int, *, reason: str, actor: str, detail: Mapping[str, Any]
) -> Adjustment:
    """Ask for an act on money of `amount` minor units; up to the limit it is done at once.

    `detail` names what it is about: {"currency", "expires_at"?} for credits, {"grant"} for a void of credits,
    {"invoice", "amounts": {line: amount} | None} for a credit note, {"payment", "credit_note"?} for a refund.
    Raises what the act raises, and `AdjustmentMismatch` where it would come to another amount.
    """
    with transaction.atomic():
        customer = locking.customer(tenant_id)
        if kind == AdjustmentKind.REFUND:
            # a second person is not asked for what can not be done
            refunds.refuse_too_large(_payment(tenant_id, detail), amount)
        currency = detail.get("currency") or customer.currency or "usd"
        made: Adjustment = Adjustment.objects.create(
            tenant_id=tenant_id, kind=kind, amount=amount, currency=currency, reason=reason,
            detail=dict(detail), requested_by=actor, requested_at=clock.now(),
        )  # fmt: skip
        audit.record("adjustment.requested", tenant_id=tenant_id, actor=actor, subject=str(made.id), reason=reason)
        if amount <= settings.ASSAY_ADJUSTMENT_LIMIT:
            _apply(made, actor)
    return made


def approve(adjustment: Adjustment, *, actor: str) -> Adjustment:
    """Carry a waiting one out. Raises `SecondPersonNeeded` for who asked for it, and `AdjustmentDecided`."""
    with transaction.atomic():
        row = _waiting(adjustment)
        if same_person(actor, row.requested_by):
            raise SecondPersonNeeded
        _apply(row, actor)
    return row


def reject(adjustment: Adjustment, *, actor: str) -> Adjustment:
    """Turn a waiting one down; who asked for it may take it back so. Raises `AdjustmentDecided`."""
    with transaction.atomic():
        row = _waiting(adjustment)
        _decide(row, AdjustmentState.REJECTED, actor)
    return row


def same_person(one: str, other: str) -> bool:
    """Actors are told apart by their names, whatever the letters' case and the spaces around them."""
    return one.strip().casefold() == other.strip().casefold()


def _waiting(adjustment: Adjustment) -> Adjustment:
    locking.customer(adjustment.tenant_id)
    rows = Adjustment.objects.for_tenant(adjustment.tenant_id).select_for_update(no_key=True)
    row: Adjustment = rows.get(pk=adjustment.pk)
    if row.state != AdjustmentState.PENDING:
        raise AdjustmentDecided
    return row


def _apply(row: Adjustment, actor: str) -> None:
    acts: dict[str, Callable[[Adjustment, str], str]] = {
        AdjustmentKind.CREDIT: _grant,
        AdjustmentKind.VOID_CREDIT: _void_credit,
        AdjustmentKind.CREDIT_NOTE: _credit_note,
        AdjustmentKind.REFUND: _refund,
    }
    row.outcome = acts[row.kind](row, actor)
    _decide(row, AdjustmentState.APPLIED, actor)


def _decide(row: Adjustment, state: AdjustmentState, actor: str) -> None:
    row.state, row.decided_by, row.decided_at = state, actor, clock.now()
    row.save(update_fields=["state", "decided_by", "decided_at", "outcome"])
    audit.record(f"adjustment.{state}", tenant_id=row.tenant_id, actor=actor, subject=str(row.id), outcome=row.outcome)


def _grant(row: Adjustment, actor: str) -> str:
    expires_at = row.detail.get("expires_at")
    made = credits.grant(
        row.tenant_id, Decimal(row.amount), row.currency, kind=GrantKind.PROMOTIONAL, reason=row.reason, actor=actor,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None, key=f"adjustment:{row.id}",
    )  # fmt: skip
    return str(made.id)


def _void_credit(row: Adjustment, actor: str) -> str:
    grant: CreditGrant = CreditGrant.objects.for_tenant(row.tenant_id).get(pk=row.detail["grant"])
    # use may have made it less since it was asked for
    if not ZERO < grant.available <= row.amount:
        raise AdjustmentMismatch(amount=grant.available)
    credits.void(grant, reason=row.reason, actor=actor)
    return str(grant.id)


def _credit_note(row: Adjustment, actor: str) -> str:
    invoice: Invoice = Invoice.objects.for_tenant(row.tenant_id).get(pk=row.detail["invoice"])
    named = row.detail.get("amounts")
    amounts = None if named is None else {UUID(line): int(amount) for line, amount in named.items()}
    note = credit_notes.issue(invoice, amounts, reason=row.reason, actor=actor)
    if note.total != row.amount:
        raise AdjustmentMismatch(amount=note.total)
    return str(note.id)


def _payment(tenant_id: UUID, detail: Mapping[str, Any]) -> Payment:
    found: Payment = Payment.objects.for_tenant(tenant_id).select_related("invoice").get(pk=detail["payment"])
    return found


def _refund(row: Adjustment, actor: str) -> str:
    payment = _payment(row.tenant_id, row.detail)
    note = row.detail.get("credit_note")
    credit_note = CreditNote.objects.for_tenant(row.tenant_id).get(pk=note) if note else None
    made = refunds.request(payment, row.amount, reason=row.reason, actor=actor, credit_note=credit_note)
    return str(made.id)
