"""How long things are kept, and the certificates of what was deleted."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from inference.models import RetentionKind
from inference.retention import certificates, rules
from portal.base import TenantView, find, own
from portal.views.jobs import sentence
from tenants.ids import encode

PAGE_SIZE = 50


class Retention(TenantView):
    """Set the times; the form stands on the page of privacy."""

    scope = "admin"

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            days = {kind: days_in(request.POST.get(kind.value, "")) for kind in RetentionKind}
            rules.change(self.tenant.id, days, actor=self.actor)
        except rules.InvalidDays as error:
            messages.error(request, sentence(error))
        else:
            messages.success(request, _("Saved. What is past its time is deleted within minutes."))
        return redirect("portal:privacy")


def days_in(text: str) -> int | None:
    """Days of a form's field; an empty one keeps. Raises `InvalidDays`."""
    stripped = text.strip()
    if not stripped:
        return None
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) <= len(str(rules.LONGEST_DAYS))):
        raise rules.InvalidDays(most=rules.LONGEST_DAYS)
    return int(stripped)


class Deletions(TenantView):
    """The certificates, the newest first."""

    scope = "admin"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = Paginator(certificates.all_of(self.tenant.id), PAGE_SIZE).get_page(request.GET.get("page"))
        listed = [(encode("evt", event.id), certificates.as_json(event), event.at) for event in page]
        return self.page(request, "deletions.html", listed=listed, page=page)


class Deletion(TenantView):
    """One certificate to keep."""

    scope = "admin"

    def get(self, request: HttpRequest, identity: str) -> HttpResponse:
        event = own(certificates.all_of(self.tenant.id).filter(pk=find("evt", identity)).first())
        told = JsonResponse(certificates.as_json(event), json_dumps_params={"indent": 2})
        told["Content-Disposition"] = f'attachment; filename="{identity}.json"'
        return told
