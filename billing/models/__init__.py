"""The tables of billing, by noun."""

from billing.models.catalogue import (
    EVERY_PLUGIN,
    Aggregation,
    BillingInterval,
    Entitlement,
    Meter,
    Plan,
    PlanVersion,
    Price,
    PricingModel,
    VersionState,
)
from billing.models.invoices import BilledUsage, Invoice, InvoiceLine, InvoiceSequence, InvoiceState
from billing.models.ledger import Account, LedgerEntry, LedgerTransaction
from billing.models.outbox import OutboxMessage, OutboxState
from billing.models.quota import QuotaCounter, Reservation, ReservationState
from billing.models.subscriptions import BillingClock, Subscription, SubscriptionStatus
from billing.models.usage import UsageEvent

__all__ = [
    "EVERY_PLUGIN",
    "Account",
    "Aggregation",
    "BilledUsage",
    "BillingClock",
    "BillingInterval",
    "Entitlement",
    "Invoice",
    "InvoiceLine",
    "InvoiceSequence",
    "InvoiceState",
    "LedgerEntry",
    "LedgerTransaction",
    "Meter",
    "OutboxMessage",
    "OutboxState",
    "Plan",
    "PlanVersion",
    "Price",
    "PricingModel",
    "QuotaCounter",
    "Reservation",
    "ReservationState",
    "Subscription",
    "SubscriptionStatus",
    "UsageEvent",
    "VersionState",
]
