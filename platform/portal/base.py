"""What all pages behind the login share: the chosen tenant, its transaction, and what the member's role allows."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, tzinfo
from typing import Any, ClassVar, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from portal.standing import standing_of
from tenants import accounts
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import tenant_context
from tenants.ids import UnknownId, decode
from tenants.models import Membership, Tenant, User
from tenants.roles import PAYERS, RELEASERS, REVIEWERS, ROLE_SCOPES

RowT = TypeVar("RowT")
FIRST_PAGES = (("jobs:write", "portal:home"), ("jobs:read", "portal:jobs"), ("billing:read", "portal:usage"))


class TenantView(LoginRequiredMixin, View):
    """A page of one tenant. It runs, and is rendered, inside the tenant's transaction. `scope` is what it needs.

    `transactional` is False where the handler asks a provider: no transaction is held while the network is waited for.
    """

    scope: ClassVar[str] = ""
    transactional: ClassVar[bool] = True
    tenant: Tenant
    scopes: frozenset[str]
    pays: bool
    releases: bool
    role: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return self.handle_no_permission()
        membership = chosen_membership(request)
        if membership is None:
            return redirect("portal:tenants")
        self.tenant, self.scopes = membership.tenant, ROLE_SCOPES[membership.role]
        self.role, self.pays = membership.role, membership.role in PAYERS
        self.releases = membership.role in RELEASERS
        self.refuse_unless_allowed(request)
        with self.around(), timezone.override(zone_of(self.tenant)):
            return super().dispatch(request, *args, **kwargs)

    def refuse_unless_allowed(self, request: HttpRequest) -> None:
        """Raises `PermissionDenied` for a member whose role does not open the page."""
        if self.scope and self.scope not in self.scopes:
            raise PermissionDenied

    def around(self) -> AbstractContextManager[None]:
        """What the handler runs in."""
        return tenant_context(self.tenant.id) if self.transactional else nullcontext()

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """Render a template with what every page shows."""
        shared = {
            "tenant": self.tenant,
            "scopes": self.scopes,
            "pays": self.pays,
            "releases": self.releases,
            "reviews": self.role in REVIEWERS,
            "zone": timezone.get_current_timezone_name(),
            "standing": standing_of(self.tenant.id),
        }
        return render(request, f"portal/{template}", {**shared, **context})

    @property
    def actor(self) -> str:
        """The member's name for the audit log: an id, for an e-mail is personal."""
        return f"user:{self.request.user.pk}"


def first_page(scopes: frozenset[str]) -> str:
    """The name of the page that a role begins at."""
    return next((name for scope, name in FIRST_PAGES if scope in scopes), "portal:plans")


def zone_of(tenant: Tenant) -> tzinfo:
    """The time zone that the tenant's times are told in; UTC where the operator wrote a name that is none."""
    try:
        return ZoneInfo(tenant.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UTC


def menu_of(request: HttpRequest) -> dict[str, Any]:
    """What the header of a page without a tenant of its own shows: the menu of the chosen one, if there is one."""
    membership = chosen_membership(request)
    return {"tenant": membership.tenant, "scopes": ROLE_SCOPES[membership.role]} if membership else {}


def chosen_membership(request: HttpRequest) -> Membership | None:
    """The membership that the session chose, looked up anew; the only one is chosen by itself."""
    assert isinstance(request.user, User)
    chosen = request.session.get(TENANT_IN_SESSION)
    if chosen:
        return accounts.membership(request.user, UUID(chosen))
    memberships = accounts.memberships_of(request.user)
    if len(memberships) != 1:
        return None
    request.session[TENANT_IN_SESSION] = str(memberships[0].tenant_id)
    return memberships[0]


def find(prefix: str, text: str) -> UUID:
    """The UUID of a public id; anything else is a page that does not exist."""
    try:
        return decode(prefix, text)
    except UnknownId:
        raise Http404 from None


def own(row: RowT | None) -> RowT:
    """The row, or a page that does not exist."""
    if row is None:
        raise Http404
    return row
