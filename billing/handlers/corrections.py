"""Credit notes, refunds, disputes, and reports of use that could not be counted."""

from __future__ import annotations

from billing import provider_objects, refunds
from billing.handlers.context import Context
from billing.models import OutboxMessage, OutboxState, Payment, Refund, RefundState
from billing.providers.facts import CreditNoteFacts, DisputeFacts, RefundFacts, UsageFaults
from tenants import audit

DISPUTE = "dispute"
IDENTIFIER = "ue_"


def apply_credit_note(facts: CreditNoteFacts, context: Context) -> bool:
    """Ours is noted; one that was written there by hand has no like here, and reconciliation shows its amount."""
    kind = provider_objects.CREDIT_NOTE
    row = provider_objects.by_external(context.provider, kind, facts.external_id)
    if row is None:
        return False
    provider_objects.see(row, {"void": facts.void, "total": facts.total}, context.seen_at)
    return True


def apply_refund(facts: RefundFacts, context: Context) -> bool:
    """The money has gone back, or could not. A refund that was made there by hand is entered here."""
    refund = _refund(facts, context)
    if refund is None:
        return False
    if facts.state == RefundState.SUCCEEDED:
        refunds.succeed(refund, external_id=facts.external_id)
    elif facts.state == RefundState.FAILED:
        refunds.fail(refund, facts.reason or "failed at the provider")
    return True


def apply_dispute(facts: DisputeFacts, context: Context) -> bool:
    """Noted for the operator, once; what comes of it is told by refunds."""
    payment = _payment(facts.payment, context)
    if payment is None:
        return False
    if provider_objects.by_external(context.provider, DISPUTE, facts.external_id) is None:
        provider_objects.link(payment.tenant_id, context.provider, DISPUTE, payment.id, facts.external_id)
        audit.record(
            "payment.disputed", tenant_id=payment.tenant_id, actor=context.actor, subject=str(payment.id),
            amount=facts.amount, reason=facts.reason,
        )  # fmt: skip
    row = provider_objects.by_external(context.provider, DISPUTE, facts.external_id)
    if row is not None:
        provider_objects.see(row, {"status": facts.status}, context.seen_at)
    return True


def apply_usage_faults(facts: UsageFaults, context: Context) -> bool:
    """Reports that were taken but not counted are parked with their reason: our invoice charges them all the same."""
    parked = 0
    for identifier, reason in facts.faults:
        rows = OutboxMessage.objects.filter(key=f"usage:{identifier.removeprefix(IDENTIFIER)}")
        for message in rows.exclude(state=OutboxState.PARKED):
            payload = {name: value for name, value in message.payload.items() if name != "export"}
            parked += rows.filter(pk=message.pk).update(
                state=OutboxState.PARKED, last_error=reason, payload=payload, claimed_until=None, delivered_at=None,
                ambiguous=False,
            )  # fmt: skip
    return bool(parked)


def _refund(facts: RefundFacts, context: Context) -> Refund | None:
    known = Refund.objects.filter(pk=facts.refund_id) if facts.refund_id else Refund.objects.none()
    found: Refund | None = known.first() or Refund.objects.filter(external_id=facts.external_id).first()
    if found is not None or facts.refund_id or facts.state == RefundState.FAILED:
        return found
    payment = _payment(facts.payment, context)
    if payment is None:
        return None
    made = refunds.request(payment, facts.amount, reason="refunded at the provider", actor=context.actor)
    Refund.objects.filter(pk=made.pk).update(external_id=facts.external_id)
    return made


def _payment(external_id: str, context: Context) -> Payment | None:
    """Locked, so that two events of it do not act at once."""
    rows = Payment.objects.filter(provider=context.provider.name, external_id=external_id)
    found: Payment | None = rows.select_for_update(no_key=True).first() if external_id else None
    return found
