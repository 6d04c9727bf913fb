"""Reviews: judge and add findings, conclude, sign, append."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant, find, idempotent
from api.errors import InvalidFields, NotFound, entry
from api.pagination import PAGE_PARAMETERS, page
from api.v1.review_requests import AddendumRequest, ConclusionRequest, FindingRequest, ReviewRequest, SignRequest
from api.v1.shapes import reviews as shapes
from api.v1.views.results import answer
from inference import review
from inference.domain.editing import Drawn
from inference.domain.reviewing import Act
from inference.drawn_on import type_named
from inference.models import Finding, Result, Review
from inference.review import Judged, Reviewer

ACTS: dict[str, Act] = {"accept": "accepted", "edit": "edited", "reject": "rejected", "withdraw": "withdrawn"}
ETAG = re.compile(r'"([0-9]{1,9})(?:\.[0-9a-f]{16})?"')
"""A version, alone or as the ETag of a result has it."""
ONE: Any = {201: schemas.Review, **schemas.PROBLEMS}
WHOLE: Any = {200: schemas.Result, **schemas.PROBLEMS}


def own(view: TenantAPIView, identity: str) -> Result:
    """The tenant's result. Raises `NotFound`."""
    rows = Result.objects.for_tenant(view.tenant).select_related("job__study")
    found: Result | None = rows.filter(pk=find("res", identity)).first()
    if found is None:
        raise NotFound
    return found


def own_finding(view: TenantAPIView, identity: str) -> Finding:
    """The tenant's finding. Raises `NotFound`."""
    rows = Finding.objects.for_tenant(view.tenant).select_related("result__job__study")
    found: Finding | None = rows.filter(pk=find("fnd", identity)).first()
    if found is None:
        raise NotFound
    return found


def reviewer(view: TenantAPIView) -> Reviewer:
    """Who asks, as the service knows people."""
    return Reviewer(view.actor.name, view.actor.user, view.actor.role)


def expected(request: Request) -> int | None:
    """The version in `If-Match`; None without one, and for `*`. Raises `InvalidFields` for what is no tag of ours."""
    text = request.headers.get("If-Match", "").strip()
    if text in ("", "*"):
        return None
    tag = ETAG.fullmatch(text)
    if tag is None:
        raise InvalidFields([entry("#If-Match", "invalid_etag", "take the ETag of the result")])
    return int(tag[1])


def drawn(result: Result, asked: dict[str, Any]) -> Drawn:
    """What was drawn, in terms of the domain. Raises `UnknownType`, and `NotFound` for an id that is none."""
    return Drawn(
        type=type_named(result, asked["type"]) if asked.get("type") else None,
        instance_id=str(find("ins", asked["instance"])) if asked.get("instance") else "",
        frame=asked["frame"],
        bbox=tuple(asked.get("bbox", ())),
        contour=tuple((point[0], point[1]) for point in asked.get("contour", ())),
    )


def told(row: Review) -> Response:
    """The act that was done. Its version is the result's now: `If-Match: "<version>"` goes on from there."""
    return Response(shapes.review(row), status=201)


class ReviewView(TenantAPIView):
    """`/v1/findings/{id}/review`"""

    scopes = {"POST": "jobs:write"}

    @extend_schema(operation_id="findings_review", request=ReviewRequest, responses=ONE, parameters=schemas.IF_MATCH)
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        finding = own_finding(self, identity)
        asked = ReviewRequest.read(request.data)
        judged = Judged(ACTS[asked["action"]], asked["reason"], drawn(finding.result, asked))
        return told(review.review(finding, judged, by=reviewer(self), expected=expected(request)))


class FindingsView(TenantAPIView):
    """`/v1/results/{id}/findings`"""

    scopes = {"POST": "jobs:write"}

    @extend_schema(operation_id="findings_add", request=FindingRequest, responses=ONE, parameters=schemas.IF_MATCH)
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        result = own(self, identity)
        asked = FindingRequest.read(request.data)
        made = review.add(
            result, drawn(result, asked), by=reviewer(self), expected=expected(request), reason=asked["reason"]
        )
        return told(made)


class ReviewsView(TenantAPIView):
    """`/v1/results/{id}/reviews`"""

    scopes = {"GET": "jobs:read"}
    filters = PAGE_PARAMETERS

    @extend_schema(operation_id="reviews_list", responses=schemas.ReviewList, parameters=schemas.PAGE[:2])
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        rows = Review.objects.for_tenant(self.tenant).filter(result=own(self, identity)).select_related("reviewer")
        return Response(page(request, rows, shapes.listed, "at"))


class ConclusionView(TenantAPIView):
    """`/v1/results/{id}/conclusion`"""

    scopes = {"PUT": "jobs:write"}

    @extend_schema(
        operation_id="results_conclude", request=ConclusionRequest, responses=WHOLE, parameters=schemas.IF_MATCH[:1]
    )
    @as_tenant
    def put(self, request: Request, identity: str) -> Response:
        result = own(self, identity)
        asked = ConclusionRequest.read(request.data)
        review.conclude(result, asked["text"], by=reviewer(self), expected=expected(request))
        return answer(request, result)


class SignView(TenantAPIView):
    """`/v1/results/{id}/sign`: by a person, never by a key."""

    scopes = {"POST": "jobs:write"}

    @extend_schema(operation_id="results_sign", request=SignRequest, responses=WHOLE, parameters=schemas.IF_MATCH)
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        result = own(self, identity)
        asked = SignRequest.read(request.data)
        by, version = reviewer(self), expected(request)
        review.sign(result, asked["signer"], statement=asked["statement"], by=by, expected=version)
        return answer(request, result)


class AddendaView(TenantAPIView):
    """`/v1/results/{id}/addenda`"""

    scopes = {"POST": "jobs:write"}

    @extend_schema(
        operation_id="results_append",
        request=AddendumRequest,
        responses={201: schemas.Result, **schemas.PROBLEMS},
        parameters=schemas.IF_MATCH,
    )
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        result = own(self, identity)
        asked = AddendumRequest.read(request.data)
        review.append(result, asked["text"], by=reviewer(self), expected=expected(request))
        return answer(request, result, status=201)
