"""Credits, caps, alerts, coupons and use for the operator."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from billing.admin.acts import act_on_list, act_on_row
from billing.admin.catalogue_forms import CouponForm
from billing.admin.shown import amount_of, quantity_of
from billing.admin.wallet_acts import DEACTIVATE, DISMISS, GIVE_TO, VOID
from billing.models import (
    Alert,
    Coupon,
    CreditGrant,
    CreditHold,
    QuotaCounter,
    Redemption,
    Reservation,
    SpendingCounter,
    UsageEvent,
)
from tenants.admin_base import Kept, Operated, ShownAdmin, ShownInline


class HoldInline(ShownInline):
    """Which jobs hold or have used it."""

    model = CreditHold
    shown = amount_of("amount", "amount", currency="grant__currency")
    readonly_fields = [shown]
    fields = ["reservation", shown, "state"]


@admin.register(CreditGrant)
class CreditGrantAdmin(ShownAdmin):
    """Credits of one origin each."""

    columns = [amount_of(name, name) for name in ("amount", "available", "held", "consumed", "expired", "voided")]
    list_display = ["tenant", "kind", columns[0], columns[1], "priority", "expires_at", "created_at"]
    list_filter = ["kind", "currency"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "reason"]
    readonly_fields = [*columns, "created_at"]
    fields = ["tenant", "kind", *columns, "priority", "expires_at", "reason", "invoice", "granted_by", "created_at"]
    inlines = [HoldInline]
    actions_list = ["give"]
    actions_detail = ["void"]
    give = act_on_list(GIVE_TO, "Give credits")
    void = act_on_row(VOID, "Void what is left")


@admin.register(Coupon)
class CouponAdmin(Operated, Kept, ModelAdmin):  # type: ignore[misc]
    """What takes something off invoices. Its terms stay; it can be taken out of use."""

    form = CouponForm
    list_display = ["code", "kind", "percent", "amount", "currency", "duration", "redeemed", "active"]
    list_filter = ["active", "kind"]
    search_fields = ["code"]
    actions_detail = ["deactivate"]
    kind = "coupon"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    deactivate = act_on_row(DEACTIVATE, "Take out of use")


@admin.register(Redemption)
class RedemptionAdmin(ShownAdmin):
    """Who has redeemed which coupon."""

    list_display = ["tenant", "coupon", "periods_left", "redeemed_at"]
    list_select_related = ["tenant", "coupon"]
    search_fields = ["tenant__name", "coupon__code"]


@admin.register(Alert)
class AlertAdmin(ShownAdmin):
    """What is running out."""

    list_display = ["tenant", "kind", "subject", "threshold", "raised_at", "seen_at"]
    list_filter = ["kind", "threshold", ("seen_at", admin.EmptyFieldListFilter)]
    list_select_related = ["tenant"]
    actions_detail = ["dismiss"]
    dismiss = act_on_row(DISMISS, "Dismiss")


@admin.register(SpendingCounter)
class SpendingCounterAdmin(ShownAdmin):
    """What a period's use has cost beyond credits."""

    spent = amount_of("spent", "spent", currency="subscription__currency")
    held = amount_of("held", "held", currency="subscription__currency")
    list_display = ["tenant", spent, held, "period_start", "period_end"]
    list_select_related = ["tenant", "subscription"]
    search_fields = ["tenant__name"]
    readonly_fields = [spent, held]
    fields = ["tenant", "subscription", spent, held, "period_start", "period_end"]


@admin.register(QuotaCounter)
class QuotaCounterAdmin(ShownAdmin):
    """What each allowance has left."""

    units = [quantity_of(name, name) for name in ("base", "used", "reserved", "included", "limit", "overage")]
    list_display = ["tenant", "meter", "plugin", *units, "hard", "period_start"]
    list_select_related = ["tenant", "meter"]
    search_fields = ["tenant__name"]


@admin.register(Reservation)
class ReservationAdmin(ShownAdmin):
    """The place and the quote of each job."""

    amount, quantity = amount_of("amount", "amount"), quantity_of("quantity", "quantity")
    list_display = ["job_id", "tenant", "plugin", quantity, amount, "state", "created_at"]
    list_filter = ["state"]
    list_select_related = ["tenant"]
    search_fields = ["=job_id", "tenant__name"]


@admin.register(UsageEvent)
class UsageEventAdmin(ShownAdmin):
    """The billable facts."""

    amount, credited = amount_of("amount", "amount"), amount_of("credited", "paid from credits")
    quantity = quantity_of("quantity", "quantity")
    list_display = ["occurred_at", "tenant", "plugin", quantity, "unit", amount, credited, "billable", "job_id"]
    list_filter = ["plugin", "currency", "billable"]
    list_select_related = ["tenant"]
    search_fields = ["=job_id", "tenant__name"]
    date_hierarchy = "occurred_at"
