"""The medical report of a job, as a page and as a PDF."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from api import schemas
from api.base import TenantAPIView
from api.errors import InvalidFields, entry
from api.v1.shapes.values import address
from api.v1.views.jobs import own
from api.v1.views.results import result_of
from api.v1.views.studies import AnyAnswer
from inference.reporting.document import LANGUAGES
from inference.reporting.facts import facts_of
from inference.reporting.html import report_page
from inference.reporting.pdf import report_pdf
from tenants.context import tenant_context

# the page stands alone: its style and pictures are inside, and it loads nothing
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
PRIVATE = {"Cache-Control": "private, no-store"}


class ReportView(TenantAPIView):
    """`/v1/jobs/{id}/report`: a page that can be printed, with its pictures inside."""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"language"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="results_report",
        responses={(200, "text/html"): str, **schemas.PROBLEMS},
        parameters=schemas.REPORT_PARAMETERS,
    )
    def get(self, request: Request, identity: str) -> HttpResponse:
        page = page_of(self, request, identity)
        return HttpResponse(page, headers={"Content-Security-Policy": REPORT_POLICY, **PRIVATE})


class ReportPdfView(TenantAPIView):
    """`/v1/jobs/{id}/report.pdf`"""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"language"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="results_report_pdf",
        responses={(200, "application/pdf"): bytes, **schemas.PROBLEMS},
        parameters=schemas.REPORT_PARAMETERS,
    )
    def get(self, request: Request, identity: str) -> HttpResponse:
        made = report_pdf(page_of(self, request, identity))
        named = {"Content-Disposition": f'inline; filename="{identity}.pdf"', **PRIVATE}
        return HttpResponse(made, content_type="application/pdf", headers=named)


def page_of(view: TenantAPIView, request: Request, identity: str) -> str:
    """The report as a page; its pictures are decoded outside of the transaction, for that takes long."""
    language = language_of(request)
    with tenant_context(view.tenant.id):
        facts = facts_of(result_of(own(view, identity)))
    card = address(request, reverse("v1:plugin-card", args=[facts.model.plugin]))
    return report_page(facts, language, card_url=card)


def language_of(request: Request) -> str:
    """`language`, else that of the answer. Raises `InvalidFields` for another one."""
    asked: str | None = request.query_params.get("language")
    if asked is None:
        return "zh-hans" if (get_language() or "").startswith("zh") else "en"
    if asked not in LANGUAGES:
        raise InvalidFields([entry("?language", "invalid", f"one of {', '.join(LANGUAGES)}")])
    return asked
