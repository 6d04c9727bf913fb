"""What all views share: the tenant's transaction around a handler, and idempotency around a POST."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import idempotency
from api.authentication import Actor, ApiKeyAuthentication, SessionAuthentication
from api.errors import InvalidFields, NotFound, entry
from api.parsing import clean
from api.permissions import HasScope
from api.throttling import KeyRate
from tenants.context import tenant_context
from tenants.ids import UnknownId, decode
from tenants.models import Tenant

P = ParamSpec("P")
ViewT = TypeVar("ViewT", bound="TenantAPIView")


class TenantAPIView(APIView):
    """A view for one tenant's credential. `scopes` maps methods to scopes, `filters` names the query's parameters."""

    authentication_classes = [ApiKeyAuthentication, SessionAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [KeyRate]
    scopes: dict[str, str] = {}
    filters: frozenset[str] = frozenset()

    @property
    def actor(self) -> Actor:
        actor = self.request.auth
        assert isinstance(actor, Actor)
        return actor

    @property
    def tenant(self) -> Tenant:
        return self.actor.tenant

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        unknown = sorted(set(request.query_params) - self.filters)
        if unknown:
            raise InvalidFields([entry(f"?{name}", "unknown_parameter", "not known here") for name in unknown[:20]])
        clean(dict(request.query_params.items()), "?")


Handler = Callable[Concatenate[ViewT, Request, P], Response]


def as_tenant(handler: Handler[ViewT, P]) -> Handler[ViewT, P]:
    """Run the handler in the tenant's transaction: it is answered after the commit, or rolled back by its exception."""

    @wraps(handler)
    def inside(view: ViewT, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        with tenant_context(view.tenant.id):
            return handler(view, request, *args, **kwargs)

    return inside


def idempotent(handler: Handler[ViewT, P]) -> Handler[ViewT, P]:
    """Honour `Idempotency-Key`; the answer is kept in the transaction of its effect."""

    @wraps(handler)
    def once(view: ViewT, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        with idempotency.claimed(view.tenant, request) as claim:
            if claim.replay is not None:
                return claim.replay
            with tenant_context(view.tenant.id):
                response = handler(view, request, *args, **kwargs)
                claim.keep(response)
            return response

    return once


def find(prefix: str, text: str) -> UUID:
    """The UUID of a public id. Raises `NotFound`: a malformed id is no different from one that never was."""
    try:
        return decode(prefix, text)
    except UnknownId:
        raise NotFound from None
