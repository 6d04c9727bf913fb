"""Results as objects for hospitals' systems: the list of what there is, and each as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant
from api.errors import NotFound
from api.pagination import page_of_few
from api.v1.shapes.outputs import output
from api.v1.views.jobs import own
from api.v1.views.papers import language_of
from api.v1.views.results import result_of
from api.v1.views.studies import AnyAnswer
from inference.intake import storage
from inference.models import Artifact
from inference.outputs import store
from inference.outputs.kinds import ENDINGS, KINDS
from tenants import audit
from tenants.context import tenant_context
from tenants.ids import encode


class OutputsView(TenantAPIView):
    """`/v1/jobs/{id}/outputs`"""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"limit", "cursor"})

    @extend_schema(operation_id="outputs_list", responses={200: schemas.OutputList, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        offers = store.offers(result_of(own(self, identity)))
        return Response(page_of_few(request, [output(offer, identity, request) for offer in offers]))


class OutputView(TenantAPIView):
    """`/v1/jobs/{id}/outputs/{kind}`: made when first asked for, the same bytes from then on."""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"lang"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="outputs_read",
        responses={(200, "application/dicom"): bytes, (200, "application/fhir+json"): dict, **schemas.PROBLEMS},
        parameters=schemas.OUTPUT_PARAMETERS,
    )
    def get(self, request: Request, identity: str, kind: str) -> HttpResponse:
        language = language_of(request)
        with tenant_context(self.tenant.id):
            result = result_of(own(self, identity))
        if kind not in KINDS:
            raise NotFound
        row = store.of(result, kind, language)
        with tenant_context(self.tenant.id):
            audit.record(
                "result.exported", tenant_id=self.tenant.id, actor=self.actor.name, subject=encode("res", result.id),
                kind=row.kind, revision=row.revision,
            )  # fmt: skip
        return file_of(row, identity)


def file_of(row: Artifact, identity: str) -> HttpResponse:
    """The bytes under a name that tells nothing of the patient."""
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{identity}-{row.kind}.{ENDINGS[row.media_type]}"',
        "Cache-Control": "private, no-store",
        "ETag": f'"{row.sha256}"',
    }
    return HttpResponse(storage.read(row.tenant_id, row.sha256), content_type=row.media_type, headers=headers)
