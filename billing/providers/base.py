"""What collects money for us: one protocol, and the plain data that passes through it.

Orders go in, references and facts come out. No call to an outside provider is made inside of a database transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from billing.providers.facts import Facts


class Capability(StrEnum):
    """What a provider can do; what it can not is done here or not at all."""

    CHECKOUT = "checkout"
    PORTAL = "portal"
    CATALOGUE = "catalogue"
    METER_EVENTS = "meter_events"
    INVOICE_ITEMS = "invoice_items"
    DUNNING = "dunning"
    REFUND = "refund"
    CREDIT_NOTE = "credit_note"
    PROMOTION_CODES = "promotion_codes"
    BACKFILL = "backfill"


class TryAgain(Exception):
    """Not now. `after` is what the provider asked to wait, seconds; `ambiguous`: it may have happened all the same."""

    def __init__(self, reason: str, *, after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.after, self.ambiguous = after, ambiguous


class Rejected(Exception):
    """Never like this: a person has to look. `code` is the provider's."""

    def __init__(self, reason: str, *, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class InvalidSignature(Exception):
    """A webhook that the provider did not sign, or not at this time."""


class UsageOutcome(StrEnum):
    """What became of one report of use."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


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


class BillingProvider(Protocol):
    """Collects. Every call may raise `TryAgain` or `Rejected`; a call that changes something takes a `key`.

    The same `key` with the same order has one effect.
    """

    name: str
    capabilities: frozenset[Capability]
    livemode: bool

    def account(self) -> str:
        """The id of the account that the key opens."""
        ...

    def ensure_customer(self, order: CustomerOrder, *, key: str) -> str: ...

    def sync_price(self, order: PriceOrder) -> str: ...

    def sync_meter(self, order: MeterOrder) -> str: ...

    def sync_product(self, plan_id: UUID, slug: str, name: str) -> str: ...

    def sync_coupon(self, order: CouponOrder) -> str: ...

    def create_checkout(self, order: CheckoutOrder) -> CheckoutRef: ...

    def portal_url(self, customer: str, return_url: str) -> str: ...

    def set_payment_method(self, customer: str, payment_method: str, *, key: str) -> None: ...

    def create_subscription(self, order: SubscriptionOrder, *, key: str) -> str: ...

    def update_subscription(self, external_id: str, order: SubscriptionOrder, *, key: str) -> None: ...

    def pause_subscription(self, external_id: str, *, paused: bool, key: str) -> None: ...

    def cancel_subscription(self, external_id: str, *, key: str) -> None: ...

    def report_usage(self, order: UsageOrder) -> UsageOutcome: ...

    def cancel_usage(self, event_name: str, identifier: str, *, key: str) -> None: ...

    def usage_summary(self, customer: str, meter: str, start: datetime, end: datetime) -> Decimal:
        """Counted units in [start, end), whole minutes."""
        ...

    def usage_by_day(self, customer: str, meter: str, start: datetime, end: datetime) -> Mapping[datetime, Decimal]:
        """Counted units of each UTC day that has any."""
        ...

    def hold_invoice(self, external_id: str, *, key: str) -> None:
        """Keep the provider from finalising its own draft before we have brought it to our total."""
        ...

    def push_invoice(self, order: InvoiceOrder) -> InvoiceRef: ...

    def void_invoice(self, external_id: str, *, key: str) -> None: ...

    def give_up_invoice(self, external_id: str, *, key: str) -> None: ...

    def create_credit_note(self, order: CreditNoteOrder, *, key: str) -> str: ...

    def refund(self, order: RefundOrder, *, key: str) -> str: ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> IncomingEvent:
        """Raises `InvalidSignature`."""
        ...

    def fetch(self, kind: str, external_id: str, detail: Mapping[str, Any]) -> Facts | None:
        """The object as it is now; None for a kind that changes nothing here, or that is gone."""
        ...

    def events_since(self, moment: datetime) -> Sequence[IncomingEvent]: ...
