"""API keys: issue, show once, revoke."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.base import TenantView, find, own
from tenants import keys
from tenants.ids import encode
from tenants.models import ApiKey, User
from tenants.roles import SCOPES

LONGEST_NAME = 100


class Keys(TenantView):
    """The list, and a new key."""

    scope = "admin"

    def get(self, request: HttpRequest, token: str = "") -> HttpResponse:
        rows = ApiKey.objects.for_tenant(self.tenant).order_by("-created_at")
        listed = [(encode("key", row.id), row, keys.is_live(row)) for row in rows]
        return self.page(request, "keys.html", listed=listed, all_scopes=SCOPES, token=token)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Issue a key; the page that answers is the only one that ever shows its secret."""
        name = request.POST.get("name", "").strip()[:LONGEST_NAME] or "key"
        wanted = [scope for scope in request.POST.getlist("scopes") if scope in SCOPES]
        assert isinstance(request.user, User)
        issued = keys.issue(self.tenant, name, wanted, actor=self.actor, created_by=request.user)
        return self.get(request, issued.token)


class RevokeKey(TenantView):
    """End a key now."""

    scope = "admin"

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        key = own(ApiKey.objects.for_tenant(self.tenant).filter(pk=find("key", identity)).first())
        keys.revoke(key, actor=self.actor)
        return redirect("portal:keys")
