"""Customers and their subscriptions for the operator; each change through its service, with a page that says so."""

from __future__ import annotations

from django.contrib import admin

from billing.admin.acts import act_on_list, act_on_row
from billing.admin.customer_acts import (
    ADD_ON,
    CANCEL,
    CAPS,
    CHANGE,
    DETAILS,
    KEEP,
    OPEN,
    PAUSE,
    REDEEM,
    RESUME,
    SELL,
    SUBSCRIBE,
)
from billing.admin.shown import amount_of, quantity_of
from billing.admin.wallet_acts import GIVE
from billing.models import BillingCustomer, Subscription, SubscriptionAddOn, SubscriptionPhase
from tenants.admin_base import ShownAdmin, ShownInline


@admin.register(BillingCustomer)
class BillingCustomerAdmin(ShownAdmin):
    """Tenants as those who pay."""

    list_display = ["tenant", "name", "country", "currency", "tax_percent", "provider", "payment_method"]
    list_filter = ["provider", "currency"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "name", "email", "tax_id"]
    soft_cap, hard_cap = amount_of("soft_cap", "soft cap"), amount_of("hard_cap", "hard cap")
    tax = quantity_of("tax_percent", "tax rate, %")
    readonly_fields = [soft_cap, hard_cap, tax]
    fieldsets = [
        (None, {"fields": ["tenant", "name", "email"]}),
        ("Address", {"fields": ["line1", "line2", "postal_code", "city", "country"]}),
        ("Tax", {"fields": [tax, "tax_label", "tax_id"]}),
        ("Money", {"fields": ["currency", soft_cap, hard_cap, "payment_method"]}),
        ("Provider", {"fields": ["provider", "external_id", "livemode"]}),
    ]
    actions_list = ["open"]
    actions_detail = ["details", "caps", "give_credits", "sell_credits", "redeem"]
    open = act_on_list(OPEN, "Add a customer")
    details = act_on_row(DETAILS, "Address and tax")
    caps = act_on_row(CAPS, "Spending caps")
    give_credits = act_on_row(GIVE, "Give credits")
    sell_credits = act_on_row(SELL, "Sell credits")
    redeem = act_on_row(REDEEM, "Redeem a coupon")


class PhaseInline(ShownInline):
    """Which terms counted when."""

    model = SubscriptionPhase
    fields = ["plan_version", "kind", "starts_at", "ends_at"]


class AddOnInline(ShownInline):
    """What was bought beside the plan."""

    model = SubscriptionAddOn
    fields = ["plan_version", "quantity", "starts_at", "ends_at"]


@admin.register(Subscription)
class SubscriptionAdmin(ShownAdmin):
    """Who is on which plan."""

    list_display = ["tenant", "plan_version", "status", "currency", "current_period_start", "current_period_end"]
    list_filter = ["status", "plan_version__plan"]
    list_select_related = ["tenant", "plan_version__plan"]
    search_fields = ["tenant__name"]
    inlines = [PhaseInline, AddOnInline]
    actions_list = ["subscribe"]
    actions_detail = ["change_plan", "pause", "resume", "cancel", "keep", "add_on"]
    subscribe = act_on_list(SUBSCRIBE, "Start a subscription")
    change_plan = act_on_row(CHANGE, "Change plan")
    pause = act_on_row(PAUSE, "Pause")
    resume = act_on_row(RESUME, "Resume")
    cancel = act_on_row(CANCEL, "Cancel")
    keep = act_on_row(KEEP, "Keep")
    add_on = act_on_row(ADD_ON, "Add an add-on")
