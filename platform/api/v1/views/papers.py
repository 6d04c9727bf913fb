"""Invoices and credit notes as PDF."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from api import billing_schemas, schemas
from api.base import TenantAPIView, find
from api.errors import InvalidFields, NotFound, entry
from api.v1.views.studies import AnyAnswer
from billing import pdf
from billing.models import CreditNote, Invoice
from billing.printing import papers
from tenants.context import tenant_context

PDF = {(200, "application/pdf"): bytes, **schemas.PROBLEMS}


class InvoicePdfView(TenantAPIView):
    """`/v1/invoices/{id}/pdf`"""

    scopes = {"GET": "billing:read"}
    filters = frozenset({"lang"})
    content_negotiation_class = AnyAnswer

    @extend_schema(operation_id="invoices_pdf", responses=PDF, parameters=billing_schemas.PAPER_FILTERS)
    def get(self, request: Request, identity: str) -> HttpResponse:
        language = language_of(request)
        with tenant_context(self.tenant.id):
            rows = Invoice.objects.for_tenant(self.tenant).select_related("subscription")
            row = rows.filter(pk=find("inv", identity)).first()
            if row is None:
                raise NotFound
            page = pdf.invoice_page(row, language)
        return printed(page, row.number or "draft")


class CreditNotePdfView(TenantAPIView):
    """`/v1/credit-notes/{id}/pdf`"""

    scopes = {"GET": "billing:read"}
    filters = frozenset({"lang"})
    content_negotiation_class = AnyAnswer

    @extend_schema(operation_id="credit_notes_pdf", responses=PDF, parameters=billing_schemas.PAPER_FILTERS)
    def get(self, request: Request, identity: str) -> HttpResponse:
        language = language_of(request)
        with tenant_context(self.tenant.id):
            rows = CreditNote.objects.for_tenant(self.tenant).select_related("invoice__subscription")
            row = rows.filter(pk=find("cn", identity)).first()
            if row is None:
                raise NotFound
            page = pdf.credit_note_page(row, language)
        return printed(page, row.number)


def language_of(request: Request) -> str:
    """`lang`, else the language of the answer. Raises `InvalidFields` for another one."""
    language: str = request.query_params.get("lang") or (get_language() or "en")[:2]
    if language not in pdf.LANGUAGES:
        raise InvalidFields([entry("?lang", "invalid", f"one of {', '.join(sorted(pdf.LANGUAGES))}")])
    return language


def printed(page: str, name: str) -> HttpResponse:
    """The page as a file; drawn outside of the transaction, for it takes a moment."""
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(papers.printed(page), content_type="application/pdf", headers=headers)
