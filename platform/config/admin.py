"""The operator's admin: it looks across tenants, so each of its views runs as the operator, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

from tenants import lockout
from tenants.context import operator_context

View = Callable[..., HttpResponseBase]


def _revenue(request: HttpRequest) -> HttpResponseBase:
    answer: HttpResponseBase = import_module("billing.admin.figures").revenue_view(request)
    return answer


def _agreement(request: HttpRequest) -> HttpResponseBase:
    answer: HttpResponseBase = import_module("inference.admin_agreement").agreement_view(request)
    return answer


class AssayAdminConfig(AdminConfig):
    """Makes `AssayAdminSite` the default site."""

    default_site = "config.admin.AssayAdminSite"

    def ready(self) -> None:
        """Every process that may ring the doorbell knows the broker."""
        super().ready()
        import_module("config.celery")


class AssayAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """Unfold's site behind the tenant wall."""

    site_header = "Assay"
    site_title = "Assay"

    def extra_urls(self) -> list[URLPattern]:
        """Pages that belong to no model. Their code needs the models, which this module is loaded before."""
        return [
            path("revenue/", self.admin_view(_revenue), name="revenue"),
            path("agreement/", self.admin_view(_agreement), name="agreement"),
        ]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """With the portal's brake on guessing."""
        if request.method != "POST":
            answer: HttpResponse = super().login(request, extra_context)
            return answer
        if lockout.is_locked(*lockout.claimed(request)):
            return redirect("portal:login")
        tried: HttpResponse = super().login(request, extra_context)
        if not request.user.is_authenticated:
            lockout.note_failure(*lockout.claimed(request))
        return tried

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner: View = super().admin_view(view, cacheable)

        def as_operator(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with operator_context():
                response = inner(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                    # templates query while they render: that too must happen inside the operator's transaction
                    response.render()
            return response

        return as_operator
