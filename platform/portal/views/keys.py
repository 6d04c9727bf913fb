"""API keys: issue, show once, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from portal.base import TenantView, find, own
from tenants import keys
from tenants.ids import encode
from tenants.models import ApiKey, User
from tenants.roles import SCOPES

LONGEST_NAME = 100
LIFETIMES_DAYS = (30, 90, 365)


class Keys(TenantView):
    """The list, and a new key."""

    scope = "admin"

    def get(self, request: HttpRequest, token: str = "") -> HttpResponse:
        rows = ApiKey.objects.for_tenant(self.tenant).order_by("-created_at")
        listed = [(encode("key", row.id), row, keys.is_live(row)) for row in rows]
        shown = {"listed": listed, "all_scopes": SCOPES, "lifetimes": LIFETIMES_DAYS, "token": token}
        return self.page(request, "keys.html", **shown)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Issue a key; the page that answers is the only one that ever shows its secret."""
        name = request.POST.get("name", "").strip()[:LONGEST_NAME] or "key"
        wanted = [scope for scope in request.POST.getlist("scopes") if scope in SCOPES]
        assert isinstance(request.user, User)
        ends = expiry(request.POST.get("days", ""))
        issued = keys.issue(self.tenant, name, wanted, actor=self.actor, created_by=request.user, expires_at=ends)
        return self.get(request, issued.token)


def expiry(days: str) -> datetime | None:
    """When a key ends that is to live so many days; None is never. Raises `BadRequest` for what is not on offer.

    A number that was tampered with must not quietly become a key that never ends.
    """
    if not days:
        return None
    if days not in map(str, LIFETIMES_DAYS):
        raise BadRequest
    return timezone.now() + timedelta(days=int(days))


class RevokeKey(TenantView):
    """End a key now."""

    scope = "admin"

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        key = own(ApiKey.objects.for_tenant(self.tenant).filter(pk=find("key", identity)).first())
        keys.revoke(key, actor=self.actor)
        return redirect("portal:keys")
