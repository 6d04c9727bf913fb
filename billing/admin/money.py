"""Invoices, payments, credit notes, refunds and the books for the operator. No row of money is ever edited."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from billing import pdf
from billing.admin.acts import act_on_row
from billing.admin.money_acts import APPROVE, CREDIT, FAILED, GONE, PAY, REFUND, REJECT, UNCOLLECTIBLE, VOID
from billing.admin.shown import amount_of, quantity_of
from billing.models import (
    Adjustment,
    CreditNote,
    CreditNoteLine,
    Invoice,
    InvoiceLine,
    Payment,
    Refund,
)
from tenants.admin_base import ShownAdmin, ShownInline


class InvoiceLineInline(ShownInline):
    """What an invoice charges."""

    model = InvoiceLine
    amount = amount_of("amount", "amount", currency="invoice__currency")
    unit_amount = amount_of("unit_amount", "unit amount", currency="invoice__currency")
    quantity = quantity_of("quantity", "quantity")
    readonly_fields = [amount, unit_amount, quantity]
    fields = ["position", "description", quantity, unit_amount, amount]


class PaymentInline(ShownInline):
    """What came for it."""

    model = Payment
    amount, refunded = amount_of("amount", "amount"), amount_of("refunded", "refunded")
    readonly_fields = [amount, refunded]
    fields = [amount, refunded, "method", "reference", "received_at", "recorded_by"]
    show_change_link = True


class CreditNoteInline(ShownInline):
    """What was taken off it."""

    model = CreditNote
    total = amount_of("total", "total")
    readonly_fields = [total]
    fields = ["number", total, "reason", "issued_at", "issued_by"]
    show_change_link = True


@admin.register(Invoice)
class InvoiceAdmin(ShownAdmin):
    """Closed periods, and credits that were sold."""

    names = ("subtotal", "discount", "tax", "total", "amount_paid", "amount_credited", "amount_due")
    columns = [amount_of(name, name.replace("_", " ")) for name in names]
    list_display = ["__str__", "tenant", "kind", "state", columns[3], columns[6], "due_at", "period_end"]
    list_filter = ["state", "kind", "currency"]
    list_select_related = ["tenant"]
    search_fields = ["number", "tenant__name"]
    date_hierarchy = "period_end"
    tax_percent = quantity_of("tax_percent", "tax rate, %")
    readonly_fields = [*columns, tax_percent]
    fieldsets = [
        (None, {"fields": ["tenant", "subscription", "kind", "state", "number", "period_start", "period_end"]}),
        ("Amounts", {"fields": [*columns, tax_percent, "tax_label"]}),
        ("Dates", {"fields": ["closed_at", "due_at", "paid_at", "voided_at", "uncollectible_at"]}),
        ("Addresses", {"fields": ["billed_to", "issued_by"]}),
        ("Provider", {"fields": ["provider", "external_id", "hosted_url"]}),
    ]
    inlines = [InvoiceLineInline, PaymentInline, CreditNoteInline]
    actions_detail = ["record_payment", "credit_note", "void", "uncollectible", "pdf_en", "pdf_zh"]
    record_payment = act_on_row(PAY, "Record a payment", primary=True)
    credit_note = act_on_row(CREDIT, "Credit note")
    void = act_on_row(VOID, "Void")
    uncollectible = act_on_row(UNCOLLECTIBLE, "Uncollectible")

    @action(permissions=["view"], description="PDF", url_path="pdf-en")  # type: ignore[untyped-decorator]
    def pdf_en(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._pdf(request, object_id, "en")

    @action(permissions=["view"], description="PDF 中文", url_path="pdf-zh")  # type: ignore[untyped-decorator]
    def pdf_zh(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._pdf(request, object_id, "zh")

    def _pdf(self, request: HttpRequest, object_id: str, language: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return paper(pdf.invoice_pdf(row, language), f"{row}-{language}.pdf")


@admin.register(Payment)
class PaymentAdmin(ShownAdmin):
    """Money that came."""

    amount, refunded = amount_of("amount", "amount"), amount_of("refunded", "refunded")
    list_display = ["received_at", "tenant", "invoice", amount, refunded, "method", "provider", "reference"]
    list_filter = ["provider", "method", "currency"]
    list_select_related = ["tenant", "invoice"]
    search_fields = ["tenant__name", "invoice__number", "reference", "external_id"]
    readonly_fields = [amount, refunded]
    fields = [
        "tenant", "invoice", amount, refunded, "method", "reference", "provider", "external_id", "received_at",
        "recorded_by",
    ]  # fmt: skip
    actions_detail = ["refund"]
    refund = act_on_row(REFUND, "Refund")


class CreditNoteLineInline(ShownInline):
    """What a credit note takes off each line."""

    model = CreditNoteLine
    amount = amount_of("amount", "amount", currency="credit_note__currency")
    readonly_fields = [amount]
    fields = ["invoice_line", amount]


@admin.register(CreditNote)
class CreditNoteAdmin(ShownAdmin):
    """What was taken off closed invoices; they are issued from the invoice's page."""

    columns = [amount_of(name, name) for name in ("net", "tax", "total")]
    list_display = ["number", "tenant", "invoice", *columns, "issued_at", "issued_by"]
    list_select_related = ["tenant", "invoice"]
    search_fields = ["number", "tenant__name", "invoice__number"]
    readonly_fields = columns
    fields = ["tenant", "invoice", "number", *columns, "reason", "issued_at", "issued_by"]
    inlines = [CreditNoteLineInline]
    actions_detail = ["pdf_en", "pdf_zh"]

    @action(permissions=["view"], description="PDF", url_path="pdf-en")  # type: ignore[untyped-decorator]
    def pdf_en(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._pdf(request, object_id, "en")

    @action(permissions=["view"], description="PDF 中文", url_path="pdf-zh")  # type: ignore[untyped-decorator]
    def pdf_zh(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._pdf(request, object_id, "zh")

    def _pdf(self, request: HttpRequest, object_id: str, language: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return paper(pdf.credit_note_pdf(row, language), f"{row}-{language}.pdf")


@admin.register(Refund)
class RefundAdmin(ShownAdmin):
    """Money that goes back; asked for on the payment's page."""

    amount = amount_of("amount", "amount")
    list_display = ["requested_at", "tenant", "payment", amount, "state", "reason", "requested_by", "ended_at"]
    list_filter = ["state", "currency"]
    list_select_related = ["tenant", "payment"]
    search_fields = ["tenant__name", "external_id"]
    readonly_fields = [amount]
    fields = [
        "tenant", "payment", "credit_note", amount, "reason", "state", "external_id", "requested_at", "requested_by",
        "ended_at",
    ]  # fmt: skip
    actions_detail = ["gone", "failed"]
    gone = act_on_row(GONE, "The money has gone")
    failed = act_on_row(FAILED, "It did not go")


@admin.register(Adjustment)
class AdjustmentAdmin(ShownAdmin):
    """What operators did to customers' money, and what waits for a second person."""

    amount = amount_of("amount", "amount")
    list_display = ["requested_at", "tenant", "kind", amount, "state", "reason", "requested_by", "decided_by"]
    list_filter = ["state", "kind"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "reason"]
    readonly_fields = [amount, "requested_at"]
    fields = [
        "tenant", "kind", amount, "reason", "detail", "state", "requested_by", "requested_at", "decided_by",
        "decided_at", "outcome",
    ]  # fmt: skip
    actions_detail = ["approve", "reject"]
    approve = act_on_row(APPROVE, "Approve", primary=True)
    reject = act_on_row(REJECT, "Reject")


def paper(body: bytes, name: str) -> HttpResponse:
    """A PDF to look at."""
    return HttpResponse(
        body, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
