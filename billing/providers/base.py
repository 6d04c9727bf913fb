"""What collects money for us: one protocol.

Orders go in, references and facts come out. No call to an outside provider is made inside of a database transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from billing.providers.facts import Facts
from billing.providers.orders import (
    CheckoutOrder,
    CheckoutRef,
    CouponOrder,
    CreditNoteOrder,
    CustomerOrder,
    IncomingEvent,
    InvoiceOrder,
    InvoiceRef,
    MeterOrder,
    PriceOrder,
    RefundOrder,
    SubscriptionOrder,
    UsageOrder,
)


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

    def settle_invoice(self, external_id: str, *, key: str) -> None:
        """Do not collect it any more: it was paid by another way."""
        ...

    def create_credit_note(self, order: CreditNoteOrder, *, key: str) -> str: ...

    def refund(self, order: RefundOrder, *, key: str) -> str: ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> IncomingEvent:
        """Raises `InvalidSignature`."""
        ...

    def fetch(self, kind: str, external_id: str, detail: Mapping[str, Any]) -> Facts | None:
        """The object as it is now; None for a kind that changes nothing here, or that is gone."""
        ...

    def events_since(self, moment: datetime) -> Sequence[IncomingEvent]: ...
