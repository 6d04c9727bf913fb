"""Results as objects for hospitals' systems: the list of what there is, and each as a file."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant, find
from api.errors import InvalidFields, NotFound, entry
from api.pagination import page_of_few
from api.v1.shapes.outputs import output
from api.v1.views.jobs import own
from api.v1.views.papers import language_of
from api.v1.views.results import result_of
from api.v1.views.studies import AnyAnswer
from inference.models import Artifact, Result
from inference.outputs import store
from inference.outputs.delivery import Delivery, deliver
from inference.outputs.kinds import ENDINGS, KINDS
from tenants import audit
from tenants.context import tenant_context
from tenants.ids import encode

PSEUDONYM = "pseudonym"
IDENTITY_HEADER = "Assay-Identity"


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
    """`/v1/jobs/{id}/outputs/{kind}`: made when first asked for, the same bytes from then on.

    Of a study that was pseudonymised on arrival the patient is put back on the way out; it is stored without.
    """

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"lang", "identity"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="outputs_read",
        responses={(200, "application/dicom"): bytes, (200, "application/fhir+json"): dict, **schemas.PROBLEMS},
        parameters=schemas.OUTPUT_PARAMETERS,
    )
    def get(self, request: Request, identity: str, kind: str) -> HttpResponse:
        language, as_stored = language_of(request), wants_pseudonym(request)
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
        delivery = deliver(row, result.job.study, actor=self.actor.name, as_stored=as_stored)
        return file_of(delivery, f"{identity}-{row.kind}")


class ArtifactView(TenantAPIView):
    """`/v1/jobs/{id}/artifacts/{art}`: an output that was made, in the revision and the language that it has."""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"identity"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="artifacts_read",
        responses={(200, "application/octet-stream"): bytes, **schemas.PROBLEMS},
        parameters=schemas.ARTIFACT_PARAMETERS,
    )
    def get(self, request: Request, identity: str, artifact: str) -> HttpResponse:
        as_stored = wants_pseudonym(request)
        with tenant_context(self.tenant.id):
            result = result_of(own(self, identity))
            row = artifact_of(result, artifact)
        delivery = deliver(row, result.job.study, actor=self.actor.name, as_stored=as_stored)
        return file_of(delivery, f"{identity}-{row.kind}")


def artifact_of(result: Result, identity: str) -> Artifact:
    """An artifact of the result. Raises `NotFound`."""
    row: Artifact | None = result.artifacts.filter(pk=find("art", identity)).first()
    if row is None:
        raise NotFound
    return row


def wants_pseudonym(request: Request) -> bool:
    """Whether the stored bytes are asked for. Raises `InvalidFields` for another `identity`."""
    wanted = request.query_params.get("identity")
    if wanted not in (None, PSEUDONYM):
        raise InvalidFields([entry("?identity", "invalid", PSEUDONYM)])
    return wanted == PSEUDONYM


def file_of(delivery: Delivery, name: str) -> HttpResponse:
    """The bytes under a name that tells nothing of the patient; the tag is theirs, whichever of the two they are."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{ENDINGS[delivery.media_type]}"',
        "Cache-Control": "private, no-store",
        "ETag": f'"{delivery.sha256}"',
        IDENTITY_HEADER: delivery.identity,
    }
    return HttpResponse(delivery.content, content_type=delivery.media_type, headers=headers)
