"""The plain data that passes to and from whoever collects: orders go in, references come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """Who pays; `external_id` is empty for one that the provider does not know yet."""

    tenant_id: UUID
    external_id: str
    name: str
    email: str
    address: Mapping[str, str]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PriceOrder:
    """A price of a published version, ready to be copied. `meter` is None for the fee of a period."""

    price_id: UUID
    lookup_key: str
    plan_slug: str
    plan_name: str
    plan_id: UUID
    currency: str
    interval: str
    terms: Mapping[str, Any]
    meter: MeterOrder | None


@dataclass(frozen=True, slots=True)
class MeterOrder:
    """A stream of use: one meter of one plugin's price. `formula` is sum or count."""

    stream_id: UUID
    event_name: str
    display_name: str
    formula: str


@dataclass(frozen=True, slots=True)
class CouponOrder:
    """A coupon with the code that customers type. `amount` is minor units of `currency`."""

    coupon_id: UUID
    code: str
    percent: Decimal
    amount: int
    currency: str
    duration: str
    periods: int | None
    max_redemptions: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PriceRef:
    """A price at the provider; a metered one is ordered without a quantity."""

    external_id: str
    metered: bool


@dataclass(frozen=True, slots=True)
class SubscriptionOrder:
    """A subscription by item. The first period is free of charge until `anchor`: fees are due when a period ends."""

    subscription_id: UUID | None
    customer: str
    currency: str
    prices: Sequence[PriceRef]
    anchor: datetime | None
    interval: str
    by_transfer: bool
    days_until_due: int


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A visit to the provider's page. `lines` are (text, net minor units) of a payment."""

    session_id: UUID
    purpose: str
    customer: str
    currency: str
    success_url: str
    cancel_url: str
    lines: Sequence[tuple[str, int]] = ()
    subscription: SubscriptionOrder | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckoutRef:
    """Where the customer goes."""

    external_id: str
    url: str


@dataclass(frozen=True, slots=True)
class UsageOrder:
    """One report of use; `identifier` makes a repetition harmless while the provider remembers it."""

    identifier: str
    event_name: str
    customer: str
    value: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LineOrder:
    """One line of a rated invoice, minor units; `key` is for ever the same."""

    key: str
    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class InvoiceOrder:
    """Our closed invoice. `cycle_of` is the provider's subscription whose own invoice of the period it becomes.

    `external_id` is known once it was begun; `ended_early` tells that the provider will make no invoice for the cycle.
    """

    invoice_id: UUID
    number: str
    customer: str
    currency: str
    total: int
    lines: Sequence[LineOrder]
    period_end: datetime
    by_transfer: bool
    days_until_due: int
    external_id: str = ""
    cycle_of: str = ""
    ended_early: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceRef:
    """The provider's invoice after it was finalised; `total` in minor units must be ours."""

    external_id: str
    total: int
    hosted_url: str
    lines: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreditNoteOrder:
    """What is taken off an invoice, minor units, tax included. Money goes back by a refund of its own."""

    credit_note_id: UUID
    number: str
    invoice: str
    total: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money that goes back, minor units; `payment` is the provider's id of the payment."""

    refund_id: UUID
    payment: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class IncomingEvent:
    """What a provider told us, verified. Only what names the object is kept of it."""

    external_id: str
    type: str
    livemode: bool
    occurred_at: datetime
    object_kind: str
    object_id: str
    thin: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
