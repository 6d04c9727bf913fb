"""Plugins: what can be asked for."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant
from api.pagination import PAGE_PARAMETERS, page_of_few
from api.v1.shapes.plugins import plugin as shape
from inference import registry
from inference.plugins import registry as plugins


class PluginsView(TenantAPIView):
    """`/v1/plugins`"""

    scopes = {"GET": "jobs:read"}
    filters = PAGE_PARAMETERS

    @extend_schema(operation_id="plugins_list", responses={200: schemas.PluginList, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        found = [shape(one, self.tenant.id, request) for _, one in sorted(plugins.installed().items())]
        return Response(page_of_few(request, found))


class PluginView(TenantAPIView):
    """`/v1/plugins/{slug}`"""

    scopes = {"GET": "jobs:read"}

    @extend_schema(operation_id="plugins_read", responses={200: schemas.Plugin, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, slug: str) -> Response:
        return Response(shape(plugins.get(slug), self.tenant.id, request))


class CardView(TenantAPIView):
    """`/v1/plugins/{slug}/card`"""

    scopes = {"GET": "jobs:read"}

    @extend_schema(operation_id="plugins_card", responses={200: dict, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, slug: str) -> Response:
        version = registry.active(plugins.get(slug))
        return Response(version.card if version else {})
