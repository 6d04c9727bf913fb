"""The provider of an installation without one: invoices are paid by transfer and recorded by hand.

Its pages are our own (`/pay/<id>`). What happens on them is told as any other provider would: by events, through the
same inbox. Outside of production a page may also play a payment; then no money moves, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from billing import clock, inbox_store
from billing.models import CheckoutSession, ProviderObject, RefundState
from billing.providers.base import Capability, InvalidSignature, UsageOutcome
from billing.providers.facts import CheckoutFacts, Facts, RefundFacts
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
from tenants.context import operator_context
from tenants.ids import encode

CHECKOUT, REFUND = "checkout.session", "refund"
TEST_CARD = "test card"
PREFIX = "pay"


class LocalProvider:
    """Keeps its side in our own database; nothing here calls anybody."""

    name = "local"
    capabilities = frozenset({Capability.CHECKOUT, Capability.REFUND})
    livemode = False

    def account(self) -> str:
        return "local"

    def ensure_customer(self, order: CustomerOrder, *, key: str) -> str:
        return order.external_id

    def set_payment_method(self, customer: str, payment_method: str, *, key: str) -> None:
        """Nothing is charged by itself."""

    def portal_url(self, customer: str, return_url: str) -> str:
        return return_url

    def sync_product(self, plan_id: UUID, slug: str, name: str) -> str:
        return ""

    def sync_meter(self, order: MeterOrder) -> str:
        return ""

    def sync_price(self, order: PriceOrder) -> str:
        return ""

    def sync_coupon(self, order: CouponOrder) -> str:
        return ""

    def create_checkout(self, order: CheckoutOrder) -> CheckoutRef:
        page = f"{settings.ASSAY_PUBLIC_BASE_URL}/pay/{encode(PREFIX, order.session_id)}"
        return CheckoutRef(str(order.session_id), page)

    def create_subscription(self, order: SubscriptionOrder, *, key: str) -> str:
        return ""

    def update_subscription(self, external_id: str, order: SubscriptionOrder, *, key: str) -> None:
        """There is none but ours."""

    def pause_subscription(self, external_id: str, *, paused: bool, key: str) -> None:
        """There is none but ours."""

    def cancel_subscription(self, external_id: str, *, key: str) -> None:
        """There is none but ours."""

    def report_usage(self, order: UsageOrder) -> UsageOutcome:
        return UsageOutcome.ACCEPTED

    def usage_summary(self, customer: str, meter: str, start: datetime, end: datetime) -> Decimal:
        return Decimal(0)

    def usage_by_day(self, customer: str, meter: str, start: datetime, end: datetime) -> Mapping[datetime, Decimal]:
        return {}

    def hold_invoice(self, external_id: str, *, key: str) -> None:
        """It makes none of itself."""

    def push_invoice(self, order: InvoiceOrder) -> InvoiceRef:
        return InvoiceRef("", order.total, "")

    def void_invoice(self, external_id: str, *, key: str) -> None:
        """There is none but ours."""

    def give_up_invoice(self, external_id: str, *, key: str) -> None:
        """There is none but ours."""

    def settle_invoice(self, external_id: str, *, key: str) -> None:
        """There is none but ours."""

    def create_credit_note(self, order: CreditNoteOrder, *, key: str) -> str:
        return ""

    def refund(self, order: RefundOrder, *, key: str) -> str:
        """The operator sends the money; it counts as gone at once."""
        external_id = f"refund_{order.refund_id.hex}"
        detail = {"refund": str(order.refund_id), "amount": order.amount, "payment": order.payment}
        self._tell("refund.updated", REFUND, external_id, detail)
        return external_id

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> IncomingEvent:
        raise InvalidSignature("nobody outside speaks for the local provider")

    def fetch(self, kind: str, external_id: str, detail: Mapping[str, Any]) -> Facts | None:
        if kind == REFUND and "refund" in detail:
            amount, payment = int(detail["amount"]), str(detail["payment"])
            return RefundFacts(external_id, UUID(detail["refund"]), payment, amount, RefundState.SUCCEEDED, "")
        return self._checkout(external_id) if kind == CHECKOUT else None

    def events_since(self, moment: datetime) -> Sequence[IncomingEvent]:
        return []

    def complete(self, session: CheckoutSession, *, paid: int) -> None:
        """The customer has confirmed the page; `paid` minor units were played as a payment, 0 where none was."""
        snapshot = {"complete": True, "paid": paid, "payment": f"test_{session.id.hex}" if paid else ""}
        with operator_context():
            row = ProviderObject(
                tenant_id=session.tenant_id, provider=self.name, kind=CHECKOUT, local_id=session.id,
                external_id=str(session.id), snapshot=snapshot,
            )  # fmt: skip
            ProviderObject.objects.bulk_create([row], ignore_conflicts=True)
            self._tell("checkout.session.completed", CHECKOUT, str(session.id), {})

    def _checkout(self, external_id: str) -> CheckoutFacts | None:
        with operator_context():
            row = ProviderObject.objects.filter(provider=self.name, kind=CHECKOUT, external_id=external_id).first()
        if row is None:
            return None
        paid = int(row.snapshot["paid"])
        method = TEST_CARD if settings.ASSAY_TEST_PAYMENTS else ""
        return CheckoutFacts(
            external_id, row.local_id, complete=True, expired=False, amount_paid=paid,
            payment=row.snapshot["payment"], payment_method=method,
        )  # fmt: skip

    def _tell(self, type: str, kind: str, external_id: str, detail: dict[str, Any]) -> None:
        event = IncomingEvent(
            f"{type}:{external_id}", type, self.livemode, clock.now(), kind, external_id, False, detail
        )
        inbox_store.store(self, [event])
