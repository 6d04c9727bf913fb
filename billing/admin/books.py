"""The ledger for the operator to read."""

from __future__ import annotations

from django.contrib import admin

from billing.admin.shown import amount_of
from billing.models import LedgerEntry, LedgerTransaction
from tenants.admin_base import ShownAdmin, ShownInline


class LedgerEntryInline(ShownInline):
    """The sides of a booking: they sum to zero."""

    model = LedgerEntry
    amount = amount_of("amount", "amount")
    readonly_fields = [amount]
    fields = ["account", amount]


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ShownAdmin):
    """The books."""

    list_display = ["__str__", "tenant", "kind", "occurred_at"]
    list_filter = ["kind", "source_type"]
    list_select_related = ["tenant"]
    search_fields = ["=source_id", "tenant__name"]
    date_hierarchy = "occurred_at"
    inlines = [LedgerEntryInline]
