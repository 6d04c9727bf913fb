"""Whether the operator may learn from the tenant's signed findings: the owner says so, and no is the default."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from inference import learning
from portal.base import TenantView
from tenants.models import Role


class Learning(TenantView):
    """The page and its form."""

    scope = "jobs:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        given = learning.consents(self.tenant.id)
        return self.page(request, "learning.html", given=given, decides=self.role == Role.OWNER)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Only the owner decides."""
        if self.role != Role.OWNER:
            raise PermissionDenied
        given = request.POST.get("given") == "yes"
        learning.set_consent(self.tenant.id, given, actor=self.actor)
        messages.success(request, _("Saved. It counts for results that are signed from now on."))
        return redirect("portal:learning")
