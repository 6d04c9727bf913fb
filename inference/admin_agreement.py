"""The operator's page of agreement between people and models."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from billing.admin.acts import Table
from inference.agreement import Agreement, agreement

PERMISSION = "inference.view_review"
HEADER = ("Analysis", "Version", "Type", "Accepted", "Edited", "Rejected", "Added", "Findings", "Agreement")


def agreement_view(request: HttpRequest) -> HttpResponse:
    """Counts by model and type; no tenant is named."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    tables = [Table("Findings of signed results, all customers", HEADER, [row(each) for each in agreement()])]
    context = {**admin.site.each_context(request), "title": "Agreement", "tables": tables}
    request.current_app = admin.site.name
    return TemplateResponse(request, "admin/inference/agreement.html", context)


def row(each: Agreement) -> list[str]:
    counts = (each.accepted, each.edited, each.rejected, each.added, each.total)
    return [each.plugin, each.version, each.slug, *map(str, counts), f"{100 * each.rate:.1f} %"]
