"""Invoices: what is due so far, what was invoiced, the work behind each line, and paying."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import checkouts, invoices, pdf, subscriptions
from billing.models import CreditNote, Invoice, InvoiceLine, InvoiceState, UsageEvent
from billing.printing import papers
from portal import exports, job_ids
from portal.base import TenantView, find, own
from portal.names import invoice_line
from portal.paying import MoneyView, PayView, go
from portal.views.usage import usage_heads, usage_row
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.querysets import TenantQuerySet

PAGE = 25
LANGUAGES = ("en", "zh")
COLLECTED = (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)
"""The states in which an invoice can be paid."""


class Invoices(MoneyView):
    """What is due so far, and what was invoiced."""

    back = "portal:usage"

    def get(self, request: HttpRequest) -> HttpResponse:
        has_plan = subscriptions.subscription_of(self.tenant.id) is not None
        preview = invoices.preview(self.tenant.id) if has_plan else None
        due = [(invoice_line(line.code, line.params), line) for line in preview.lines] if preview else []
        closed = Invoice.objects.for_tenant(self.tenant).exclude(state=InvoiceState.DRAFT)
        page = Paginator(closed.order_by("-created_at", "-id"), PAGE).get_page(request.GET.get("page"))
        listed = [(encode("inv", row.id), row, is_overdue(row)) for row in page]
        return self.page(request, "invoices.html", preview=preview, due=due, listed=listed, pages=page)


class InvoicesExport(TenantView):
    """All invoices as a table."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        tenant_id = self.tenant.id

        def rows() -> TenantQuerySet[Invoice]:
            found: TenantQuerySet[Invoice] = Invoice.objects.for_tenant(tenant_id)
            return found.exclude(state=InvoiceState.DRAFT)

        return exports.download(
            "invoices", invoice_heads(), exports.in_batches(tenant_id, rows, invoice_row, "created_at")
        )


class InvoicePage(MoneyView):
    """One invoice: its lines, payments and credit notes, and the button to pay it."""

    back = "portal:invoices"

    def get(self, request: HttpRequest, identity: str) -> HttpResponse:
        row = invoice_of(self, identity)
        lines = [(invoice_line(line.code, line.params), line) for line in row.lines.order_by("position")]
        return self.page(
            request,
            "invoice.html",
            identity=identity,
            invoice=row,
            lines=lines,
            payments=row.payments.order_by("received_at"),
            notes=[(encode("cn", note.id), note) for note in row.credit_notes.order_by("issued_at")],
            payable=row.state in COLLECTED and row.amount_due > 0,
            overdue=is_overdue(row),
        )


class LinePage(MoneyView):
    """The jobs behind one line, a page at a time."""

    back = "portal:invoices"

    def get(self, request: HttpRequest, identity: str, position: int) -> HttpResponse:
        invoice = invoice_of(self, identity)
        line = own(invoice.lines.select_related("price", "meter").filter(position=position).first())
        events = invoices.usage_of(line).select_related("meter").order_by("-occurred_at", "-id")
        page = Paginator(events, PAGE).get_page(request.GET.get("page"))
        return self.page(
            request,
            "invoice_line.html",
            identity=identity,
            invoice=invoice,
            line=line,
            text=invoice_line(line.code, line.params),
            listed=[(encode("job", event.job_id), event) for event in page],
            pages=page,
            **job_ids.told(self.tenant.id, (event.job_id for event in page)),
        )


class LinesExport(TenantView):
    """The lines of an invoice as a table: few, so that one read is enough."""

    scope = "billing:read"

    def get(self, request: HttpRequest, identity: str) -> StreamingHttpResponse:
        row = invoice_of(self, identity)
        lines = list(row.lines.select_related("meter").order_by("position"))
        heads = [
            _("Invoice"), _("Line"), _("Text"), _("Meter"), _("Plugin"), _("Quantity"), _("Exact amount"), _("Amount"),
            _("Currency"),
        ]  # fmt: skip
        return exports.download(f"{row.number}-lines", heads, [line_row(row, line) for line in lines])


class InvoiceUsageExport(TenantView):
    """The work behind an invoice as a table."""

    scope = "billing:read"

    def get(self, request: HttpRequest, identity: str) -> StreamingHttpResponse:
        row = invoice_of(self, identity)
        tenant_id = self.tenant.id

        def rows() -> TenantQuerySet[UsageEvent]:
            events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(tenant_id).select_related("meter")
            return events.filter(billed__invoice=row)

        found = exports.in_batches(tenant_id, rows, usage_row, "occurred_at")
        return exports.download(f"{row.number}-usage", usage_heads(), found)


class Paper(MoneyView):
    """A paper as PDF. It is drawn outside of the transaction, for that takes a moment."""

    back = "portal:invoices"
    transactional = False

    def get(self, request: HttpRequest, identity: str, language: str) -> HttpResponse:
        with tenant_context(self.tenant.id):
            page, number = self.written(identity, language_of(language))
        return as_pdf(papers.printed(page), f"{number}-{language}")

    def written(self, identity: str, language: str) -> tuple[str, str]:
        """The page to print and the paper's number."""
        raise NotImplementedError


class InvoicePdf(Paper):
    """An invoice to print or to keep, in either language."""

    def written(self, identity: str, language: str) -> tuple[str, str]:
        row = invoice_of(self, identity)
        return pdf.invoice_page(row, language, named=invoice_line), str(row.number)


class CreditNotePdf(Paper):
    """The same of a credit note."""

    def written(self, identity: str, language: str) -> tuple[str, str]:
        rows = CreditNote.objects.for_tenant(self.tenant).select_related("invoice__subscription")
        row: CreditNote = own(rows.filter(pk=find("cn", identity)).first())
        return pdf.credit_note_page(row, language, named=invoice_line), row.number


class PayInvoice(PayView):
    """On to the page where an invoice is paid."""

    back = "portal:invoices"

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        with tenant_context(self.tenant.id):
            row = invoice_of(self, identity)
        back = self.address("portal:invoice", identity)
        return go(request, checkouts.pay_invoice(row, actor=self.actor, return_url=back).url)

    def way_back(self, *args: Any, **kwargs: Any) -> str:
        return reverse("portal:invoice", args=[kwargs["identity"]])


def invoice_of(view: TenantView, identity: str) -> Invoice:
    """The tenant's closed invoice, or a page that does not exist."""
    rows = Invoice.objects.for_tenant(view.tenant).filter(pk=find("inv", identity))
    found: Invoice = own(rows.exclude(state=InvoiceState.DRAFT).first())
    return found


def is_overdue(row: Invoice) -> bool:
    """Whether it should have been paid by now."""
    return row.state == InvoiceState.OPEN and row.due_at is not None and row.due_at < timezone.now()


def language_of(name: str) -> str:
    """The language of a PDF. Raises `BadRequest` for one that there is not."""
    if name not in LANGUAGES:
        raise BadRequest
    return name


def as_pdf(content: bytes, name: str) -> HttpResponse:
    """A file to download."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


def invoice_heads() -> list[str]:
    """The first line of a table of invoices."""
    return [
        _("Number"), _("State"), _("Period start"), _("Period end"), _("Closed"), _("Due"), _("Subtotal"),
        _("Discount"), _("Tax"), _("Total"), _("Paid"), _("Credited"), _("Currency"),
    ]  # fmt: skip


def invoice_row(row: Invoice) -> exports.Row:
    """One invoice; amounts in major units."""
    amounts = (row.subtotal, row.discount, row.tax, row.total, row.amount_paid, row.amount_credited)
    moments = (row.period_start, row.period_end, row.closed_at, row.due_at)
    return [
        row.number or "", row.get_state_display(), *(timezone.localtime(at) if at else None for at in moments),
        *(exports.major(amount, row.currency) for amount in amounts), row.currency.upper(),
    ]  # fmt: skip


def line_row(invoice: Invoice, line: InvoiceLine) -> exports.Row:
    """One line; the exact amount is what was rounded to the amount."""
    return [
        invoice.number or "", line.position, invoice_line(line.code, line.params),
        line.meter.slug if line.meter else "", line.plugin, line.quantity,
        exports.exact_major(line.exact, invoice.currency), exports.major(line.amount, invoice.currency),
        invoice.currency.upper(),
    ]  # fmt: skip
