"""What goes out and comes in, whether it agrees, and the copies of the catalogue: to look at, and to send again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from billing import catalogue_sync, inbox, relay
from billing.models import (
    CatalogueObject,
    CheckoutSession,
    OutboxMessage,
    ProviderAccount,
    ProviderEvent,
    ProviderObject,
    ReconciliationItem,
    ReconciliationRun,
)
from tenants import audit
from tenants.admin_base import ShownAdmin, ShownInline, operator
from tenants.context import operator_context


@admin.register(OutboxMessage)
class OutboxAdmin(ShownAdmin):
    """What waits to be told to whoever collects; parked messages can be sent again."""

    list_display = ["topic", "key", "tenant", "state", "attempts", "ambiguous", "next_at", "last_error"]
    list_filter = ["state", "topic", "ambiguous"]
    search_fields = ["key", "tenant__name"]
    actions = ["replay"]

    @admin.action(permissions=["operate"], description="Send the parked messages again")
    def replay(self, request: HttpRequest, chosen: QuerySet[OutboxMessage]) -> None:
        _again(request, "outbox.replayed", [row for row in chosen if relay.replay(row)])


@admin.register(ProviderEvent)
class ProviderEventAdmin(ShownAdmin):
    """What providers have told; parked events can be looked at again."""

    list_display = ["type", "external_id", "provider", "state", "attempts", "occurred_at", "received_at", "last_error"]
    list_filter = ["state", "provider", "object_kind", "thin"]
    search_fields = ["external_id", "object_id"]
    actions = ["replay"]

    @admin.action(permissions=["operate"], description="Look at the parked events again")
    def replay(self, request: HttpRequest, chosen: QuerySet[ProviderEvent]) -> None:
        _again(request, "inbox.replayed", [row for row in chosen if inbox.replay(row)])


@admin.register(CatalogueObject)
class CatalogueObjectAdmin(ShownAdmin):
    """How far the provider's copy of the catalogue is."""

    list_display = ["kind", "local_id", "external_id", "provider", "livemode", "state", "error", "synced_at"]
    list_filter = ["state", "kind", "provider"]
    search_fields = ["external_id", "local_id"]
    actions = ["sync"]

    @admin.action(permissions=["operate"], description="Bring the copies up to date at the next sweep")
    def sync(self, request: HttpRequest, chosen: QuerySet[CatalogueObject]) -> None:
        catalogue_sync.request_again(chosen)
        _note(request, "catalogue.sync_requested", ", ".join(str(row) for row in chosen))


class ReconciliationItemInline(ShownInline):
    """What does not agree; what does is counted in the totals."""

    model = ReconciliationItem
    fields = ["subject", "tenant", "meter", "day", "verdict", "ours", "delivered", "theirs", "invoiced", "our_amount",
              "their_amount", "note"]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).exclude(verdict="matched")


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ShownAdmin):
    """Each comparison of all places."""

    list_display = ["__str__", "provider", "started_at", "finished_at", "totals", "error"]
    inlines = [ReconciliationItemInline]


@admin.register(ReconciliationItem)
class ReconciliationItemAdmin(ShownAdmin):
    """All items of all runs."""

    list_display = ["subject", "tenant", "meter", "day", "verdict", "ours", "delivered", "theirs", "invoiced"]
    list_filter = ["verdict", "meter"]
    search_fields = ["subject", "tenant__name"]


@admin.register(ProviderObject)
class ProviderObjectAdmin(ShownAdmin):
    """Which object there is which one here."""

    list_display = ["kind", "external_id", "local_id", "tenant", "provider", "livemode", "seen_at"]
    list_filter = ["kind", "provider"]
    search_fields = ["external_id", "local_id"]


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ShownAdmin):
    """The accounts that the keys open."""

    list_display = ["provider", "account", "livemode", "events_until"]


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ShownAdmin):
    """Visits to checkout pages."""

    list_display = ["purpose", "tenant", "provider", "state", "amount", "currency", "created_at", "completed_at"]
    list_filter = ["purpose", "state", "provider"]
    search_fields = ["external_id", "tenant__name"]


def _again(request: HttpRequest, action: str, rows: list[Any]) -> None:
    for row in rows:
        _note(request, action, str(row))
    messages.success(request, f"{len(rows)} will be tried again.")


def _note(request: HttpRequest, action: str, subject: str) -> None:
    with operator_context():
        audit.record(action, tenant_id=None, actor=operator(request), subject=subject[:200])
