"""The subscription, and what a change of it would cost."""

from __future__ import annotations

from api.v1.shapes.money import quota
from api.v1.shapes.values import Json, instant, quantity
from billing.models import Subscription, SubscriptionAddOn
from billing.previews import ChangePreview
from billing.quota import QuotaState
from tenants.ids import encode


def subscription(row: Subscription, add_ons: list[SubscriptionAddOn], quotas: list[QuotaState]) -> Json:
    planned = row.next_plan_version
    return {
        "id": encode("sub", row.id),
        "object": "subscription",
        "plan": row.plan_version.plan.slug,
        "plan_version": row.plan_version.number,
        "currency": row.currency,
        "status": row.status,
        "current_period": {"start": instant(row.current_period_start), "end": instant(row.current_period_end)},
        "trial_end": instant(row.trial_end),
        "cancel_at": instant(row.cancel_at),
        "canceled_at": instant(row.canceled_at),
        "past_due_since": instant(row.past_due_since),
        "next_plan": planned.plan.slug if planned else None,
        "add_ons": [add_on(each) for each in add_ons],
        "quota": [quota(state) for state in quotas],
        "created_at": instant(row.created_at),
    }


def add_on(row: SubscriptionAddOn) -> Json:
    return {"plan": row.plan_version.plan.slug, "quantity": row.quantity, "ends_at": instant(row.ends_at)}


def change_preview(found: ChangePreview) -> Json:
    return {
        "object": "subscription_preview",
        "plan": found.plan.plan.slug,
        "plan_version": found.plan.number,
        "currency": found.currency,
        "effective_at": instant(found.effective_at),
        "rest_until": instant(found.rest_until),
        "fee_before": found.before.amount,
        "fee_after": found.after.amount,
        "difference": found.after.amount - found.before.amount,
        "fee": found.fee.amount,
        "first_full_period": {
            "start": instant(found.first_full_period.start),
            "end": instant(found.first_full_period.end),
        },
        "included": [
            {
                "plugin": each.plugin,
                "meter": each.meter,
                "limit": quantity(each.limit),
                "hard": each.hard,
                "free": quantity(each.free),
            }
            for each in found.included
        ],
        "warnings": [{"code": each.code, "detail": each.text} for each in found.warnings],
    }
