"""Plans for the operator to draft and publish; money to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from billing import admin_providers as admin_providers  # registers its pages
from billing import catalogue, invoices
from billing.models import (
    Entitlement,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    LedgerTransaction,
    Meter,
    Plan,
    PlanVersion,
    Price,
    QuotaCounter,
    Reservation,
    Subscription,
    UsageEvent,
    VersionState,
)
from tenants.admin_base import Operated, ShownAdmin, ShownInline, operator
from tenants.errors import UserError


class DraftInline(TabularInline):  # type: ignore[misc]
    """Terms of a version: to edit in a draft, to read afterwards. The database refuses the rest."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj)


class PriceInline(DraftInline):
    """What units cost."""

    model = Price


class EntitlementInline(DraftInline):
    """What the plan covers."""

    model = Entitlement


def is_draft(version: PlanVersion | None) -> bool:
    return version is None or version.state == VersionState.DRAFT


@admin.register(Plan)
class PlanAdmin(ModelAdmin):  # type: ignore[misc]
    """Plans; their terms are in the versions."""

    list_display = ["slug", "name", "position", "is_trial"]
    search_fields = ["slug", "name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        """What customers have agreed to under a slug stays under it, and a sold plan does not become a trial."""
        return ["slug", "is_trial"] if obj and obj.versions.exclude(state=VersionState.DRAFT).exists() else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PlanVersion)
class PlanVersionAdmin(Operated, ModelAdmin):  # type: ignore[misc]
    """Draft, edit, publish. A published version never changes: draft the next one from it."""

    list_display = ["__str__", "state", "currency", "interval", "published_at"]
    list_filter = ["state", "plan"]
    readonly_fields = ["state", "published_at"]
    inlines = [PriceInline, EntitlementInline]
    actions = ["publish", "draft"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(permissions=["operate"], description="Publish the draft")
    def publish(self, request: HttpRequest, chosen: QuerySet[PlanVersion]) -> None:
        self._each(request, chosen, catalogue.publish)

    @admin.action(permissions=["operate"], description="Draft the next version from this one")
    def draft(self, request: HttpRequest, chosen: QuerySet[PlanVersion]) -> None:
        self._each(request, chosen, catalogue.draft_from)

    def _each(self, request: HttpRequest, chosen: QuerySet[PlanVersion], verb: Any) -> None:
        for version in chosen:
            try:
                verb(version, actor=operator(request))
            except UserError as error:
                messages.error(request, f"{version}: {error.detail}")


@admin.register(Meter)
class MeterAdmin(ShownAdmin):
    """What is counted."""

    list_display = ["slug", "unit", "aggregation"]


@admin.register(Subscription)
class SubscriptionAdmin(ShownAdmin):
    """Who is on which plan."""

    list_display = ["tenant", "plan_version", "status", "current_period_start", "current_period_end"]
    list_filter = ["status"]
    search_fields = ["tenant__name"]


@admin.register(QuotaCounter)
class QuotaCounterAdmin(ShownAdmin):
    """What each allowance has left."""

    list_display = ["tenant", "meter", "plugin", "used", "reserved", "limit", "hard", "period_start"]


@admin.register(Reservation)
class ReservationAdmin(ShownAdmin):
    """The place and the quote of each job."""

    list_display = ["job_id", "tenant", "plugin", "quantity", "amount", "currency", "state", "created_at"]
    list_filter = ["state"]


@admin.register(UsageEvent)
class UsageEventAdmin(ShownAdmin):
    """The billable facts."""

    list_display = ["occurred_at", "tenant", "plugin", "quantity", "unit", "amount", "currency", "job_id"]
    list_filter = ["plugin", "currency"]
    date_hierarchy = "occurred_at"


class LedgerEntryInline(ShownInline):
    """The sides of a booking: they sum to zero."""

    model = LedgerEntry


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ShownAdmin):
    """The books."""

    list_display = ["__str__", "tenant", "kind"]
    inlines = [LedgerEntryInline]


class InvoiceLineInline(ShownInline):
    """What an invoice charges."""

    model = InvoiceLine
    fields = ["position", "description", "quantity", "unit_amount", "amount"]


@admin.register(Invoice)
class InvoiceAdmin(ShownAdmin):
    """Closed periods."""

    list_display = ["number", "tenant", "state", "total", "currency", "period_start", "period_end"]
    list_filter = ["state", "currency"]
    search_fields = ["number", "tenant__name"]
    inlines = [InvoiceLineInline]
    actions = ["mark_paid"]

    @admin.action(permissions=["operate"], description="Book the payment")
    def mark_paid(self, request: HttpRequest, chosen: QuerySet[Invoice]) -> None:
        for invoice in chosen:
            invoices.mark_paid(invoice, actor=operator(request))
