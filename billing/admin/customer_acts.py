"""What operators do to customers and their subscriptions."""

from __future__ import annotations

from collections.abc import Iterable

from billing import addons, catalogue, changes, clock, coupon_codes, credit_sales, customers
from billing.admin.acts import Act, Data, Table
from billing.admin.forms import (
    AddOnForm,
    CapsForm,
    CouponCodeForm,
    DetailsForm,
    PlanForm,
    SaleForm,
    SubscribeForm,
    TenantForm,
    WhenForm,
)
from billing.admin.shown import money
from billing.models import BillingCustomer, Subscription, SubscriptionAddOn


def _open(row: None, data: Data, actor: str) -> str:
    made = customers.of(data["tenant"])
    return f"{made.tenant} can be billed."


def _details(row: BillingCustomer, data: Data, actor: str) -> str:
    customers.update_details(row.tenant_id, actor=actor, **data)
    return "The details were changed."


def _caps(row: BillingCustomer, data: Data, actor: str) -> str:
    customers.set_caps(row.tenant_id, soft=data["soft"], hard=data["hard"], actor=actor)
    return "The caps were set."


def _sell(row: BillingCustomer, data: Data, actor: str) -> str:
    invoice = credit_sales.sell(row.tenant_id, data["amount"], actor=actor)
    return f"The invoice {invoice.number} is open; the credits come with its payment."


def _redeem(row: BillingCustomer, data: Data, actor: str) -> str:
    made = coupon_codes.redeem(row.tenant_id, data["code"], actor=actor)
    return f"{made.coupon} counts from the next invoice on."


def _subscribe(row: None, data: Data, actor: str) -> str:
    made = catalogue.subscribe(data["tenant"], data["plan"], actor=actor)
    return f"The subscription to {made.plan_version} has begun."


def _change(row: Subscription, data: Data, actor: str) -> str:
    made = changes.change_plan(row.tenant_id, data["plan"], when=data["when"], actor=actor)
    coming = made.next_plan_version
    return f"On {made.plan_version} now." if coming is None else f"On {coming} from {made.current_period_end:%Y-%m-%d}."


def _change_shown(row: Subscription, data: Data) -> list[Table]:
    found = changes.preview_change(row.tenant_id, data["plan"], when=data["when"])
    rest = "without an end" if found.rest_until is None else f"until {found.rest_until:%Y-%m-%d %H:%M}"
    full = found.first_full_period.start
    rows = [
        ["From", f"{found.effective_at:%Y-%m-%d %H:%M} UTC"],
        [f"Fee of the present plan for the rest, {rest}", money(found.before.amount, found.currency)],
        [f"Fee of the new plan for the rest, {rest}", money(found.after.amount, found.currency)],
        [f"Fee of a whole period, from {full:%Y-%m-%d}", money(found.fee.amount, found.currency)],
        *(["Note", each.text] for each in found.warnings),
    ]
    return [Table(f"Change to {found.plan}", (), rows)]


def _pause(row: Subscription, data: Data, actor: str) -> str:
    changes.pause(row.tenant_id, actor=actor)
    return "The subscription is paused."


def _resume(row: Subscription, data: Data, actor: str) -> str:
    changes.resume(row.tenant_id, actor=actor)
    return "The subscription goes on."


def _cancel(row: Subscription, data: Data, actor: str) -> str:
    made = changes.cancel(row.tenant_id, when=data["when"], actor=actor)
    return "The subscription has ended." if made.cancel_at is None else f"It ends at {made.cancel_at:%Y-%m-%d %H:%M}."


def _keep(row: Subscription, data: Data, actor: str) -> str:
    changes.keep(row.tenant_id, actor=actor)
    return "Nothing is planned any more."


def _add_on(row: Subscription, data: Data, actor: str) -> str:
    made = addons.add(row.tenant_id, data["plan"], data["quantity"], actor=actor)
    return f"{made.quantity} of {made.plan_version} from now on."


def _add_ons_shown(row: Subscription) -> list[Table]:
    going_on: Iterable[SubscriptionAddOn] = addons.active(row, clock.now())
    rows = [[str(each.plan_version), str(each.quantity)] for each in going_on]
    return [Table("Add-ons now", ("Add-on", "How many"), rows)]


OPEN = Act("Add a customer", "Add", _open, form=TenantForm, notes=["A tenant who has not been billed so far."])
DETAILS = Act("Address and tax", "Save", _details, form=DetailsForm, notes=["Closed invoices keep what they say."])
CAPS = Act(
    "Spending caps", "Set the caps", _caps, form=CapsForm,
    notes=["For what is charged on invoices for use in a period, before tax. Empty: no cap."],
)  # fmt: skip
SELL = Act(
    "Sell credits", "Make the invoice", _sell, form=SaleForm,
    notes=["Makes an open invoice; tax comes on top. The credits are there once it is paid."],
)  # fmt: skip
REDEEM = Act("Redeem a coupon", "Redeem", _redeem, form=CouponCodeForm)
SUBSCRIBE = Act(
    "Start a subscription", "Start it", _subscribe, form=SubscribeForm,
    notes=["It begins now. A subscription that runs to another plan ends now and is invoiced."],
)  # fmt: skip
CHANGE = Act("Change the plan", "Change it", _change, form=PlanForm, preview=_change_shown)
PAUSE = Act("Pause the subscription", "Pause", _pause, notes=["No new work and no fee until it is resumed."])
RESUME = Act("Resume the subscription", "Resume", _resume, notes=["Work is taken again and the fee is due, from now."])
CANCEL = Act(
    "Cancel the subscription", "Cancel it", _cancel, form=WhenForm,
    notes=["Now: the fee up to now and all finished work are invoiced at once."],
)  # fmt: skip
KEEP = Act("Keep the subscription as it is", "Keep it", _keep, notes=["Takes back a planned end or change of plan."])
ADD_ON = Act(
    "Add an add-on", "Add it", _add_on, form=AddOnForm, tables=_add_ons_shown,
    notes=["Its fee is due in full for this period too."],
)  # fmt: skip
