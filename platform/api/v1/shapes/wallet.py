"""Credits, caps and alerts. Credits are exact: their amounts are decimal text in minor units."""

from __future__ import annotations

from api.v1.shapes.values import Json, instant, quantity
from billing.models import Alert, BillingCustomer, CheckoutSession, CreditGrant
from billing.spending import SpendingState
from tenants.ids import encode


def grant(row: CreditGrant) -> Json:
    return {
        "id": encode("grt", row.id),
        "object": "credit_grant",
        "kind": row.kind,
        "reason": row.reason,
        "amount": quantity(row.amount),
        "available": quantity(row.available),
        "held": quantity(row.held),
        "consumed": quantity(row.consumed),
        "expired": quantity(row.expired),
        "voided": quantity(row.voided),
        "currency": row.currency,
        "priority": row.priority,
        "expires_at": instant(row.expires_at),
        "created_at": instant(row.created_at),
    }


def caps(customer: BillingCustomer, state: SpendingState | None, currency: str) -> Json:
    period = {"start": instant(state.period.start), "end": instant(state.period.end)} if state else None
    return {
        "object": "spending_caps",
        "soft_cap": customer.soft_cap,
        "hard_cap": customer.hard_cap,
        "spent": quantity(state.spent) if state else "0",
        "held": quantity(state.held) if state else "0",
        "currency": currency,
        "period": period,
    }


def alert(row: Alert) -> Json:
    return {
        "id": encode("alr", row.id),
        "object": "alert",
        "kind": row.kind,
        "subject": row.subject,
        "threshold": row.threshold,
        "reached": str(row.detail.get("reached", "")),
        "limit": str(row.detail.get("limit", "")),
        "period_start": instant(row.period_start),
        "raised_at": instant(row.raised_at),
    }


def checkout(row: CheckoutSession) -> Json:
    return {
        "id": encode("pay", row.id),
        "object": "checkout",
        "purpose": row.purpose,
        "state": row.state,
        "amount": row.amount,
        "currency": row.currency,
        "url": row.url,
        "created_at": instant(row.created_at),
    }
