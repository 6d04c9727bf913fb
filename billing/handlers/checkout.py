"""A visit to a checkout page that has ended."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import transaction

from billing import (
    catalogue,
    clock,
    coupon_codes,
    credit_sales,
    inbox_store,
    outbox,
    payments,
    provider_objects,
    providers,
    subscriptions,
)
from billing.handlers.context import Context
from billing.models import (
    BillingCustomer,
    CheckoutPurpose,
    CheckoutSession,
    CheckoutState,
    Invoice,
    Subscription,
    VersionState,
)
from billing.providers.facts import CheckoutFacts
from tenants.errors import UserError

log = structlog.get_logger(__name__)


def apply(facts: CheckoutFacts, context: Context) -> bool:
    """Give what was ordered, once: the session's row is locked and remembers."""
    sessions = CheckoutSession.objects.filter(provider=context.provider.name, pk=facts.session_id)
    session: CheckoutSession | None = sessions.select_for_update(no_key=True).first()
    if session is None:
        return False
    if session.state != CheckoutState.OPEN:
        return True
    if facts.complete:
        PURPOSES[CheckoutPurpose(session.purpose)](session, facts, context)
        _keep_payment_method(session, facts, context)
        session.state, session.completed_at = CheckoutState.COMPLETE, clock.now()
    elif facts.expired:
        session.state = CheckoutState.EXPIRED
    session.save(update_fields=["state", "completed_at", "invoice"])
    return True


def _subscribe(session: CheckoutSession, facts: CheckoutFacts, context: Context) -> None:
    """On the terms that were shown, also where newer ones are on offer meanwhile."""
    started = _start(session, context)
    for code in facts.codes:
        _redeem(session, code, context)
    if facts.subscription:
        kind, snapshot = provider_objects.SUBSCRIPTION, {"interval": started.plan_version.interval}
        provider_objects.link(session.tenant_id, context.provider, kind, started.id, facts.subscription, snapshot)
        inbox_store.look_again(context.provider, kind, facts.subscription, because="linked")


def _start(session: CheckoutSession, context: Context) -> Subscription:
    version = session.plan_version
    assert version is not None
    current = subscriptions.subscription_of(session.tenant_id)
    if current is None and version.state == VersionState.RETIRED:
        return subscriptions.start(session.tenant_id, version, actor=context.actor, currency=session.currency)
    currency = session.currency or None
    return catalogue.subscribe(session.tenant_id, version.plan.slug, actor=context.actor, currency=currency)


def _redeem(session: CheckoutSession, code: str, context: Context) -> None:
    """A code that was taken there may be refused here; then our invoice charges without it, and says so."""
    try:
        with transaction.atomic():
            coupon_codes.redeem(session.tenant_id, code, actor=context.actor)
    except UserError as refusal:
        log.warning("billing.code_not_redeemed", session=str(session.id), reason=refusal.detail)


def _sell_credits(session: CheckoutSession, facts: CheckoutFacts, context: Context) -> None:
    session.invoice = credit_sales.sell(session.tenant_id, session.amount, actor=context.actor)
    _pay(session.invoice, facts, context)


def _pay_invoice(session: CheckoutSession, facts: CheckoutFacts, context: Context) -> None:
    assert session.invoice is not None
    _pay(session.invoice, facts, context)


def _pay(invoice: Invoice, facts: CheckoutFacts, context: Context) -> None:
    if facts.amount_paid:
        payments.record(
            invoice, facts.amount_paid, actor=context.actor, method="checkout", provider=context.provider.name,
            external_id=facts.payment,
        )  # fmt: skip


def _nothing(session: CheckoutSession, facts: CheckoutFacts, context: Context) -> None:
    """Only the payment method is kept."""


def _keep_payment_method(session: CheckoutSession, facts: CheckoutFacts, context: Context) -> None:
    if not facts.payment_method:
        return
    if context.provider.name == providers.LOCAL:
        BillingCustomer.objects.filter(tenant=session.tenant_id).update(payment_method=facts.payment_method)
        return
    outbox.enqueue(
        session.tenant_id, "payment_method.left", key=f"payment_method:{session.id.hex}",
        payload={"payment_method": facts.payment_method}, serial=f"customer:{session.tenant_id}",
    )  # fmt: skip


PURPOSES: dict[CheckoutPurpose, Callable[[CheckoutSession, CheckoutFacts, Context], None]] = {
    CheckoutPurpose.SUBSCRIPTION: _subscribe,
    CheckoutPurpose.CREDITS: _sell_credits,
    CheckoutPurpose.INVOICE: _pay_invoice,
    CheckoutPurpose.SETUP: _nothing,
}
