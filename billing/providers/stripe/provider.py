"""Stripe as a billing provider: each call handed to the module that knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from billing.providers.base import Capability, UsageOutcome
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
from billing.providers.stripe import (
    catalogue,
    checkout,
    corrections,
    customers,
    invoices,
    reading,
    subscriptions,
    usage,
    webhooks,
)
from billing.providers.stripe.client import call, is_live, make_client

METERED = frozenset({Capability.METER_EVENTS, Capability.CATALOGUE, Capability.PROMOTION_CODES})
ALWAYS = frozenset(
    {
        Capability.CHECKOUT,
        Capability.PORTAL,
        Capability.DUNNING,
        Capability.REFUND,
        Capability.CREDIT_NOTE,
        Capability.BACKFILL,
        Capability.INVOICE_ITEMS,
    }
)


class StripeProvider:
    """By the settings of this installation; `capabilities` say which of the two ways usage is exported by."""

    name = "stripe"

    def __init__(self) -> None:
        self.client = make_client()
        self.livemode = is_live(settings.STRIPE_SECRET_KEY)
        metered = settings.STRIPE_USAGE_MODE == "meter_events"
        self.capabilities: frozenset[Capability] = ALWAYS | METERED if metered else ALWAYS

    def account(self) -> str:
        return str(call(self.client.v1.accounts.retrieve_current).id)

    def ensure_customer(self, order: CustomerOrder, *, key: str) -> str:
        return customers.ensure(self.client, order, key=key)

    def set_payment_method(self, customer: str, payment_method: str, *, key: str) -> None:
        customers.set_payment_method(self.client, customer, payment_method, key=key)

    def portal_url(self, customer: str, return_url: str) -> str:
        return customers.portal_url(self.client, customer, return_url)

    def sync_product(self, plan_id: UUID, slug: str, name: str) -> str:
        return catalogue.sync_product(self.client, plan_id, slug, name)

    def sync_meter(self, order: MeterOrder) -> str:
        return catalogue.sync_meter(self.client, order)

    def sync_price(self, order: PriceOrder) -> str:
        return catalogue.sync_price(self.client, order)

    def sync_coupon(self, order: CouponOrder) -> str:
        return catalogue.sync_coupon(self.client, order)

    def create_checkout(self, order: CheckoutOrder) -> CheckoutRef:
        return checkout.create(self.client, order)

    def create_subscription(self, order: SubscriptionOrder, *, key: str) -> str:
        return subscriptions.create(self.client, order, key=key)

    def update_subscription(self, external_id: str, order: SubscriptionOrder, *, key: str) -> None:
        subscriptions.update(self.client, external_id, order, key=key)

    def pause_subscription(self, external_id: str, *, paused: bool, key: str) -> None:
        subscriptions.pause(self.client, external_id, paused=paused, key=key)

    def cancel_subscription(self, external_id: str, *, key: str) -> None:
        subscriptions.cancel(self.client, external_id, key=key)

    def report_usage(self, order: UsageOrder) -> UsageOutcome:
        return usage.report(self.client, order)

    def usage_summary(self, customer: str, meter: str, start: datetime, end: datetime) -> Decimal:
        return usage.summary(self.client, customer, meter, start, end)

    def usage_by_day(self, customer: str, meter: str, start: datetime, end: datetime) -> Mapping[datetime, Decimal]:
        return usage.by_day(self.client, customer, meter, start, end)

    def hold_invoice(self, external_id: str, *, key: str) -> None:
        invoices.hold(self.client, external_id, key=key)

    def push_invoice(self, order: InvoiceOrder) -> InvoiceRef:
        return invoices.push(self.client, order)

    def void_invoice(self, external_id: str, *, key: str) -> None:
        invoices.void(self.client, external_id, key=key)

    def give_up_invoice(self, external_id: str, *, key: str) -> None:
        invoices.give_up(self.client, external_id, key=key)

    def settle_invoice(self, external_id: str, *, key: str) -> None:
        invoices.settle(self.client, external_id, key=key)

    def create_credit_note(self, order: CreditNoteOrder, *, key: str) -> str:
        return corrections.create_credit_note(self.client, order, key=key)

    def refund(self, order: RefundOrder, *, key: str) -> str:
        return corrections.refund(self.client, order, key=key)

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> IncomingEvent:
        return webhooks.parse(body, headers, settings.STRIPE_WEBHOOK_SECRETS)

    def fetch(self, kind: str, external_id: str, detail: Mapping[str, Any]) -> Facts | None:
        return reading.fetch(self.client, kind, external_id)

    def events_since(self, moment: datetime) -> Sequence[IncomingEvent]:
        return webhooks.since(self.client, moment)
