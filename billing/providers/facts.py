"""How an object stands at its provider, in our words. Whatever event told of it, this is what is acted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """`payment_method` is a text to show, as "visa 4242"."""

    external_id: str
    payment_method: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CheckoutFacts:
    """`session_id` is ours. Of a completed visit: what was paid (minor units), begun, or left as payment method."""

    external_id: str
    session_id: UUID | None
    complete: bool
    expired: bool
    amount_paid: int = 0
    payment: str = ""
    subscription: str = ""
    payment_method: str = ""
    codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """`status` is the provider's; `ends_at` the end that was asked for at the provider."""

    external_id: str
    subscription_id: UUID | None
    status: str
    ended: bool
    ends_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """Money that came for an invoice, minor units."""

    external_id: str
    amount: int
    method: str = "card"


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """`invoice_id` is ours, None for one that the provider made of itself; `state` is one of `InvoiceState`."""

    external_id: str
    invoice_id: UUID | None
    subscription: str
    state: str
    total: int
    payments: Sequence[PaymentFacts]
    hosted_url: str
    failed_attempts: int = 0


@dataclass(frozen=True, slots=True)
class CreditNoteFacts:
    """A credit note that was made or voided there."""

    external_id: str
    credit_note_id: UUID | None
    invoice: str
    total: int
    void: bool


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """`state` is one of `RefundState`."""

    external_id: str
    refund_id: UUID | None
    payment: str
    amount: int
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A payment that the payer contests."""

    external_id: str
    payment: str
    amount: int
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class UsageFaults:
    """Reports of use that were taken and could not be counted: (identifier, reason)."""

    faults: Sequence[tuple[str, str]]


Facts = (
    CustomerFacts
    | CheckoutFacts
    | SubscriptionFacts
    | InvoiceFacts
    | CreditNoteFacts
    | RefundFacts
    | DisputeFacts
    | UsageFaults
)

KINDS = frozenset(
    {
        "customer",
        "checkout.session",
        "subscription",
        "invoice",
        "credit_note",
        "refund",
        "dispute",
        "billing.meter.errors",
    }
)
"""Objects that can change something here; a provider's `fetch` knows them by these names."""
