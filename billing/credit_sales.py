"""Credits that are bought: an invoice first, the credits when it is paid."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import clock, closing, credits, ledger, locking, subscriptions
from billing.domain.invoicing import Line
from billing.domain.money import total
from billing.domain.periods import Period
from billing.domain.tax import tax_on
from billing.models import Account, CreditGrant, CreditNote, GrantKind, Invoice, InvoiceKind
from tenants import audit

CURRENCY = "usd"


def sell(tenant_id: UUID, amount: int, *, actor: str) -> Invoice:
    """An open invoice for credits of `amount` minor units before tax; the tax on their use is due with it.

    Raises `ValueError` for nothing.
    """
    if amount <= 0:
        raise ValueError("credits must be above zero")
    with transaction.atomic():
        subscription = subscriptions.subscription_of(tenant_id)
        customer = locking.customer(tenant_id)
        currency = customer.currency or (subscription.currency if subscription else CURRENCY)
        now = clock.now()
        # bought by the customer, not in a period: a subscription is not needed
        invoice = closing.draft(customer, InvoiceKind.CREDITS, Period(now, now), currency, None)
        net = Decimal(amount)
        line = Line("credits.purchase", {}, Decimal(1), net, net, amount)
        closing.write(invoice, [line], discount=0, tax=tax_on(amount, customer.tax_percent))
        _book(invoice)
        closing.open_numbered(invoice)
        audit.record("credits.sold", tenant_id=tenant_id, actor=actor, subject=str(invoice.number), amount=amount)
    return invoice


def deliver(invoice: Invoice) -> CreditGrant | None:
    """The credits of a purchase that was paid, less what was credited of it; None for any other invoice."""
    net = bought(invoice)
    if invoice.kind != InvoiceKind.CREDITS or not net:
        return None
    return credits.grant(
        invoice.tenant_id, net, invoice.currency, kind=GrantKind.PURCHASED, reason=str(invoice.number),
        actor="billing", invoice=invoice, key=grant_key(invoice),
    )  # fmt: skip


def grant_of(invoice: Invoice) -> CreditGrant | None:
    """The credits that a purchase has given, if it has."""
    found: CreditGrant | None = CreditGrant.objects.for_tenant(invoice.tenant_id).filter(key=grant_key(invoice)).first()
    return found


def grant_key(invoice: Invoice) -> str:
    """One grant for each purchase."""
    return f"invoice:{invoice.id}"


def bought(invoice: Invoice) -> Decimal:
    """The net amount of a purchase that no credit note took back."""
    notes = CreditNote.objects.for_tenant(invoice.tenant_id).filter(invoice=invoice).values_list("net", flat=True)
    return total([Decimal(invoice.subtotal), *(Decimal(-net) for net in notes)])


def _book(invoice: Invoice) -> None:
    postings = [
        ledger.Posting(Account.RECEIVABLE, Decimal(invoice.total)),
        ledger.Posting(Account.CREDIT, Decimal(-invoice.subtotal)),
        ledger.Posting(Account.TAX, Decimal(-invoice.tax)),
    ]
    ledger.post(
        invoice.tenant_id, source=("invoice", invoice.id), kind="closing", currency=invoice.currency,
        postings=postings, occurred_at=invoice.period_end,
    )  # fmt: skip
