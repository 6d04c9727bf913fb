"""What operators do to credits, coupons and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import ROUND_CEILING

from billing import adjustments, alerts
from billing.admin.acts import Act, Data
from billing.admin.forms import GrantForm, GrantToForm, ReasonForm
from billing.errors import NothingToVoid
from billing.models import Adjustment, AdjustmentKind, AdjustmentState, Alert, BillingCustomer, Coupon, CreditGrant
from tenants import audit


def told(made: Adjustment, done: str) -> str:
    """What became of an act that may need a second person."""
    return done if made.state == AdjustmentState.APPLIED else "It is above the limit: another person has to approve it."


def _give(row: BillingCustomer, data: Data, actor: str) -> str:
    day = data["expires_on"]
    expires_at = datetime.combine(day, time(tzinfo=UTC)).isoformat() if day else None
    detail = {"currency": row.currency or "usd", "expires_at": expires_at}
    made = adjustments.request(
        row.tenant_id, AdjustmentKind.CREDIT, data["amount"], reason=data["reason"], actor=actor, detail=detail
    )
    return told(made, "The credits were given.")


def _give_to(row: None, data: Data, actor: str) -> str:
    return _give(data["customer"], data, actor)


def _void(row: CreditGrant, data: Data, actor: str) -> str:
    amount = int(row.available.to_integral_value(rounding=ROUND_CEILING))
    if amount <= 0:
        raise NothingToVoid
    made = adjustments.request(
        row.tenant_id, AdjustmentKind.VOID_CREDIT, amount, reason=data["reason"], actor=actor,
        detail={"grant": str(row.pk), "currency": row.currency},
    )  # fmt: skip
    return told(made, "What was left of the credits is void.")


def _deactivate(row: Coupon, data: Data, actor: str) -> str:
    Coupon.objects.filter(pk=row.pk).update(active=False)
    audit.record("coupon.deactivated", tenant_id=None, actor=actor, subject=row.code)
    return f"{row.code} can not be redeemed any more."


def _dismiss(row: Alert, data: Data, actor: str) -> str:
    if alerts.dismiss(row.tenant_id, row.pk):
        audit.record("alert.dismissed", tenant_id=row.tenant_id, actor=actor, subject=str(row.pk))
    return "The alert is dismissed."


GIVE = Act(
    "Give credits", "Give them", _give, form=GrantForm,
    notes=["They pay for use before anything is charged. Above the limit a second person has to approve."],
)  # fmt: skip
GIVE_TO = Act("Give credits", "Give them", _give_to, form=GrantToForm, notes=GIVE.notes)
VOID = Act(
    "Void what is left of these credits", "Void them", _void, form=ReasonForm,
    notes=["What unfinished work holds of them follows if it is given back."],
)  # fmt: skip
DEACTIVATE = Act(
    "Take the coupon out of use", "Take it out of use", _deactivate,
    notes=["It can not be redeemed any more. Where it was redeemed it goes on counting."],
)  # fmt: skip
DISMISS = Act("Dismiss the alert", "Dismiss", _dismiss, notes=["The customer does not see it any more either."])
