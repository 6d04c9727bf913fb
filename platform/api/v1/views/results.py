"""Results: findings as JSON."""

from __future__ import annotations

import hashlib
import json

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant
from api.v1.shapes.results import result as shape
from api.v1.shapes.values import Json
from api.v1.views.jobs import is_known, own
from inference import jobs
from inference.domain.errors import UserError
from inference.domain.states import ACTIVE
from inference.models import Job, JobState, Result
from inference.reading import reading_of


class JobFailed(UserError):
    """The job ended without a result."""

    code = "job_failed"
    template = "The job failed and has no result; its error says why."


class JobEndedEarly(JobFailed):
    """Nobody worked on the job to its end."""

    template = "The job was cancelled or expired before it was done: there is no result."


class ResultPurged(UserError):
    """The result was there and was deleted."""

    code = "purged"
    template = "The result was deleted by your organisation's retention rule."


def result_of(job: Job) -> Result:
    """The result. Raises `JobNotFinished`, `JobFailed` and `ResultPurged`."""
    if job.state in ACTIVE:
        raise jobs.JobNotFinished
    if job.state != JobState.SUCCEEDED:
        raise JobFailed if job.state == JobState.FAILED else JobEndedEarly
    found: Result | None = Result.objects.for_tenant(job.tenant_id).select_related("job__study").filter(job=job).first()
    if found is None:
        raise ResultPurged
    return found


def etag(body: Json) -> str:
    """The version, which `If-Match` compares, and a digest of the whole: what is told beside the acts changes too."""
    told = json.dumps(body, sort_keys=True, default=str)
    return f'"{body["version"]}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"'


def answer(request: Request, row: Result, status: int = 200) -> Response:
    """A result as it stands, or 304 for who has it already."""
    body = shape(row, request, reading_of(row))
    headers = {"ETag": etag(body), "Cache-Control": "no-cache"}
    if request.method == "GET" and is_known(request, etag(body)):
        return Response(status=304, headers=headers)
    return Response(body, status=status, headers=headers)


class ResultView(TenantAPIView):
    """`/v1/jobs/{id}/result`"""

    scopes = {"GET": "jobs:read"}

    @extend_schema(operation_id="results_read", responses={200: schemas.Result, 304: None, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        return answer(request, result_of(own(self, identity)))
