"""Studies: upload, list, read, delete, and the picture of an instance."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.authentication import Actor
from api.base import TenantAPIView, as_tenant, find, idempotent
from api.errors import InvalidFields, NotFound, entry
from api.multipart import UploadParser
from api.pagination import PAGE_PARAMETERS, between, created_filters, page, whole_number
from api.parsing import clean, clean_json
from api.permissions import RoleMissing, ScopeMissing
from api.v1.requests import UploadRequest
from api.v1.shapes.studies import listed
from api.v1.shapes.studies import study as shape
from inference import pictures, studies
from inference.deidentification import holds
from inference.intake.receive import receive
from inference.models import Study
from inference.retention import certificates
from tenants import accounts, audit
from tenants.context import tenant_context
from tenants.errors import UserError
from tenants.ids import encode
from tenants.roles import RELEASERS

LARGEST_EDGE = 2048


class Purged(UserError):
    """The study was deleted; its certificate says when and by which rule."""

    code = "purged"
    template = "The study was deleted: see its certificate."


def own(view: TenantAPIView, identity: str) -> Study:
    """The tenant's study. Raises `NotFound`, and `Purged` for one that was deleted."""
    key = find("std", identity)
    found: Study | None = Study.objects.for_tenant(view.tenant).filter(pk=key).first()
    if found is not None:
        return found
    if certificates.of_subject(view.tenant.id, encode("std", key)):
        raise Purged
    raise NotFound


class StudiesView(TenantAPIView):
    """`/v1/studies`"""

    parser_classes = [UploadParser]
    scopes = {"GET": "studies:read", "POST": "studies:write"}

    @property
    def filters(self) -> frozenset[str]:  # type: ignore[override]
        listing = PAGE_PARAMETERS | created_filters() | {"modality", "kind"}
        return listing if self.request.method == "GET" else frozenset()

    @extend_schema(operation_id="studies_list", responses=schemas.StudyList, parameters=schemas.STUDY_FILTERS)
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = between(request, Study.objects.for_tenant(self.tenant))
        exact = {name: request.query_params[name] for name in ("modality", "kind") if name in request.query_params}
        return Response(page(request, rows.filter(**exact), listed))

    @extend_schema(
        operation_id="studies_create", request=schemas.Upload, responses={201: schemas.Study, **schemas.PROBLEMS}
    )
    def post(self, request: Request) -> Response:
        # reading and storing take long: no transaction is held around them
        with idempotency.claimed(self.tenant, request) as claim:
            if claim.replay is not None:
                return claim.replay
            response = self.take(request)
            with tenant_context(self.tenant.id):
                claim.keep(nameless(response))
            return response

    def take(self, request: Request) -> Response:
        accounts.require_active(self.tenant)
        files = uploaded(request)
        asked = UploadRequest.read(fields(request))
        reception = receive(self.tenant, files, **asked)
        with tenant_context(self.tenant.id):
            identity = encode("std", reception.study.id)
            stored = sum(outcome.status == "stored" for outcome in reception.files)
            audit.record(
                "study.received", tenant_id=self.tenant.id, actor=self.actor.name, subject=identity, stored=stored
            )
            body = shape(reception.study, reception.files)
        return Response(body, status=201, headers={"Location": f"/v1/studies/{identity}"})


def nameless(response: Response) -> Response:
    """The answer as it is kept for a repetition: names of files may be patients' names, and are stored nowhere."""
    files = [{**one, "name": f"#{number}"} for number, one in enumerate(response.data["files"], start=1)]
    kept = Response({**response.data, "files": files}, status=response.status_code)
    kept["Location"] = response["Location"]
    return kept


class StudyView(TenantAPIView):
    """`/v1/studies/{id}`"""

    scopes = {"GET": "studies:read", "DELETE": "studies:write"}

    @extend_schema(operation_id="studies_read", responses={200: schemas.Study, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        return Response(shape(own(self, identity)))

    @extend_schema(operation_id="studies_delete", responses={204: None, **schemas.PROBLEMS})
    @as_tenant
    def delete(self, request: Request, identity: str) -> Response:
        studies.delete(own(self, identity), actor=self.actor.name)
        return Response(status=204)


class ReleaseView(TenantAPIView):
    """`/v1/studies/{id}/release`: a person has looked at the pixels, and jobs may run."""

    scopes = {"POST": "studies:write"}

    @extend_schema(operation_id="studies_release", request=None, responses={200: schemas.Study, **schemas.PROBLEMS})
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        study = own(self, identity)
        require_releaser(self.actor)
        holds.release(study, actor=self.actor.name)
        return Response(shape(own(self, identity)))


def require_releaser(actor: Actor) -> None:
    """Raises for a member or a key that may not release studies."""
    if actor.is_key and "admin" not in actor.scopes:
        raise ScopeMissing(scope="admin")
    if not actor.is_key and actor.role not in RELEASERS:
        raise RoleMissing(scope="the release of held studies")


class AnyAnswer(BaseContentNegotiation):
    """Pictures and pages are given whatever is asked for; errors stay JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class RenderedView(TenantAPIView):
    """`/v1/studies/{id}/instances/{ins}/rendered`"""

    scopes = {"GET": "studies:read"}
    filters = frozenset({"frame", "max"})
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="instances_rendered",
        responses={(200, "image/png"): bytes, **schemas.PROBLEMS},
        parameters=schemas.RENDER_PARAMETERS,
    )
    def get(self, request: Request, identity: str, instance: str) -> HttpResponse:
        frame, edge = whole(request, "frame", 1, 10_000), whole(request, "max", 1024, LARGEST_EDGE)
        with tenant_context(self.tenant.id):
            row = own(self, identity).instances.filter(pk=find("ins", instance)).first()
        if row is None:
            raise NotFound
        picture = pictures.of_instance(row, frame=frame, max_edge=edge)
        return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def whole(request: Request, name: str, default: int, most: int) -> int:
    """A positive whole number of the query. Raises `InvalidFields`."""
    text = request.query_params.get(name, str(default))
    return whole_number(f"?{name}", text, 1, most)


def uploaded(request: Request) -> list[tuple[str, BinaryIO]]:
    """The files of the form, in their order. Raises `InvalidFields` for files under another name."""
    wrong = sorted(set(request.FILES) - {"files"})
    if wrong:
        raise InvalidFields([entry(f"/{name}", "unknown_field", "send files under the name files") for name in wrong])
    return [(file.name or "", cast(BinaryIO, file)) for file in request.FILES.getlist("files")]


def fields(request: Request) -> dict[str, Any]:
    """The form's other fields; `metadata` is written as JSON. Raises `InvalidFields`."""
    found: dict[str, Any] = clean({name: value for name, value in request.POST.items() if isinstance(value, str)})
    if "metadata" not in found:
        return dict(found)
    return {**found, "metadata": clean_json(found["metadata"], "/metadata")}
