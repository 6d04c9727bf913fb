"""What an actor may do: each view names the scope of each method."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.authentication import Actor
from tenants.errors import InvalidCredential, UserError


class ScopeMissing(UserError):
    """The key lacks the scope."""

    code = "scope_missing"
    template = "The API key lacks the scope %(scope)s."


class RoleMissing(UserError):
    """The member's role does not include the scope."""

    code = "role_missing"
    template = "Your role does not include %(scope)s."


class HasScope(BasePermission):
    """`scopes` of a view maps methods to scopes; a method without an entry needs only a credential."""

    def has_permission(self, request: Request, view: Any) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor):
            raise InvalidCredential
        wanted = getattr(view, "scopes", {}).get(request.method)
        if wanted and wanted not in actor.scopes:
            raise (ScopeMissing if actor.is_key else RoleMissing)(scope=wanted)
        return True
