"""Who asks: an API key, or a member logged in to the portal. Both end in an `Actor`."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from tenants import accounts, keys
from tenants.accounts import TENANT_IN_SESSION
from tenants.errors import InvalidCredential
from tenants.ids import encode
from tenants.models import Tenant, User
from tenants.roles import ROLE_SCOPES


@dataclass(frozen=True, slots=True)
class Actor:
    """The tenant that is acted for, what may be done, and the name for the audit log. A key has no user and no role."""

    tenant: Tenant
    scopes: frozenset[str]
    name: str
    is_key: bool
    user: User | None = None
    role: str = ""


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <prefix>.<secret>`."""

    def authenticate(self, request: Request) -> tuple[None, Actor] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = keys.authenticate(token.strip())
        return None, Actor(key.tenant, frozenset(key.scopes), f"key:{key.prefix}", is_key=True)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(BaseAuthentication):
    """The portal's session: the chosen tenant, membership looked up anew, CSRF always."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        user = getattr(request._request, "user", None)
        chosen = request._request.session.get(TENANT_IN_SESSION)
        if not isinstance(user, User) or not user.is_active or not chosen:
            return None
        require_csrf(request)
        membership = accounts.membership(user, UUID(chosen))
        if membership is None:
            raise InvalidCredential
        name = encode("usr", user.id)
        scopes = ROLE_SCOPES[membership.role]
        return user, Actor(membership.tenant, scopes, name, is_key=False, user=user, role=membership.role)


def require_csrf(request: Request) -> None:
    """Raises `PermissionDenied` for a changing request without the token of our own pages."""
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request._request)
    reason = check.process_view(request._request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise PermissionDenied(f"CSRF: {reason}")
