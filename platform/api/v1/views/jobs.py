"""Jobs: submit, estimate, read, cancel, retry."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import parse_etags
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas, waiting
from api.base import TenantAPIView, as_tenant, find, idempotent
from api.errors import NotFound
from api.pagination import PAGE_PARAMETERS, between, created_filters, page
from api.v1.requests import JobRequest
from api.v1.shapes import jobs as shapes
from api.v1.shapes import money
from api.v1.shapes.values import quantity
from api.v1.views.studies import own as own_study
from inference import jobs
from inference.domain.states import ACTIVE, ENDED
from inference.models import Job, Priority
from tenants.context import tenant_context
from tenants.ids import encode

RETRY_AFTER_SECONDS = 2
PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}
EXACT = ("state", "plugin")


def own(view: TenantAPIView, identity: str) -> Job:
    """The tenant's job. Raises `NotFound`."""
    found: Job | None = Job.objects.for_tenant(view.tenant).filter(pk=find("job", identity)).first()
    if found is None:
        raise NotFound
    return found


def etag(row: Job, position: int | None) -> str:
    """Changes with the row, and with the place in the queue."""
    return f'W/"{row.version}-{position or 0}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has the row as it is: by RFC 9110 a list of tags, compared weakly, or `*`."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or tag.removeprefix("W/") in {one.removeprefix("W/") for one in known}


def polling(row: Job, position: int | None) -> dict[str, str]:
    """Headers for who asks again."""
    headers = {"ETag": etag(row, position), "Cache-Control": "no-cache"}
    return headers | ({"Retry-After": str(RETRY_AFTER_SECONDS)} if row.state in ACTIVE else {})


def answer(view: TenantAPIView, request: Request, row: Job, status: int = 200) -> Response:
    """A job with what a poller needs: ETag, and when to ask again."""
    position = jobs.queue_position(row)
    return Response(shapes.job(row, request, position), status=status, headers=polling(row, position))


def asked_of(view: TenantAPIView, request: Request) -> dict[str, Any]:
    """The body as arguments of `jobs.submit`. Raises `InvalidFields` and, for a foreign study, `NotFound`."""
    body = JobRequest.read(request.data)
    return {
        "plugin_slug": body["plugin"],
        "study": own_study(view, body["study"]) if "study" in body else None,
        "inline": body.get("input"),
        "params": body["params"],
        "priority": PRIORITIES[body["priority"]],
        "metadata": body["metadata"],
    }


class JobsView(TenantAPIView):
    """`/v1/jobs`"""

    scopes = {"GET": "jobs:read", "POST": "jobs:write"}

    @property
    def filters(self) -> frozenset[str]:  # type: ignore[override]
        listing = PAGE_PARAMETERS | created_filters() | {*EXACT, "study"}
        return listing if self.request.method == "GET" else frozenset()

    @extend_schema(operation_id="jobs_list", responses=schemas.JobList, parameters=schemas.JOB_FILTERS)
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = between(request, Job.objects.for_tenant(self.tenant))
        exact: dict[str, Any] = {name: request.query_params[name] for name in EXACT if name in request.query_params}
        if "study" in request.query_params:
            exact["study"] = own_study(self, request.query_params["study"])
        return Response(page(request, rows.filter(**exact), lambda found: shapes.listed(found, request)))

    @extend_schema(
        operation_id="jobs_create",
        request=JobRequest,
        responses={202: schemas.Job, 201: schemas.Job, **schemas.PROBLEMS},
        parameters=schemas.PREFER,
    )
    def post(self, request: Request) -> Response:
        accepted = self.submit(request)
        seconds = waiting.seconds_preferred(request)
        return self.finished(request, accepted, seconds) if seconds else accepted

    @idempotent
    def submit(self, request: Request) -> Response:
        job = jobs.submit(self.tenant, **asked_of(self, request))
        response = answer(self, request, job, status=202)
        response["Location"] = reverse("v1:job", args=[encode("job", job.id)])
        return response

    def finished(self, request: Request, accepted: Response, seconds: int) -> Response:
        """The same job when it has ended within the seconds that the client would wait; else the acceptance."""
        job_id = find("job", accepted.data["id"])
        waiting.until_ended(self.tenant.id, job_id, seconds)
        with tenant_context(self.tenant.id):
            row = Job.objects.for_tenant(self.tenant).get(pk=job_id)
            shown = answer(self, request, row, status=201 if row.state in ENDED else 202)
        for name in ("Location", "Idempotent-Replayed"):
            if name in accepted:
                shown[name] = accepted[name]
        if row.state in ENDED:
            shown["Preference-Applied"] = f"wait={seconds}"
        return shown


class EstimateView(TenantAPIView):
    """`/v1/jobs/estimate`"""

    scopes = {"POST": "jobs:read"}

    @extend_schema(
        operation_id="jobs_estimate", request=JobRequest, responses={200: schemas.Estimate, **schemas.PROBLEMS}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = asked_of(self, request)
        found = jobs.estimate(
            self.tenant, **{name: asked[name] for name in ("plugin_slug", "study", "inline", "params")}
        )
        quote = {
            "unit": found.quote.unit,
            "quantity": quantity(found.quote.quantity),
            "amount": found.quote.amount,
            "currency": found.quote.currency,
        }
        return Response({"quote": quote, "quota": [money.quota(state) for state in found.quota]})


class JobView(TenantAPIView):
    """`/v1/jobs/{id}`: the answer to every poll."""

    scopes = {"GET": "jobs:read"}
    filters = frozenset({"wait"})

    @extend_schema(
        operation_id="jobs_read",
        responses={200: schemas.Job, 304: None, **schemas.PROBLEMS},
        parameters=schemas.POLL_PARAMETERS,
    )
    def get(self, request: Request, identity: str) -> Response:
        seconds = waiting.seconds_of_query(request)
        if seconds:
            self.hold(identity, seconds)
        with tenant_context(self.tenant.id):
            row = own(self, identity)
            position = jobs.queue_position(row)
            if is_known(request, etag(row, position)):
                return Response(status=304, headers=polling(row, position))
            return Response(shapes.job(row, request, position), headers=polling(row, position))

    def hold(self, identity: str, seconds: int) -> None:
        """Wait until the job leaves the state that it is in now."""
        with tenant_context(self.tenant.id):
            row = own(self, identity)
        if row.state in ACTIVE:
            waiting.until_moved(self.tenant.id, row.id, row.state, seconds)


class CancelView(TenantAPIView):
    """`/v1/jobs/{id}/cancel`"""

    scopes = {"POST": "jobs:write"}

    @extend_schema(operation_id="jobs_cancel", request=None, responses={200: schemas.Job, **schemas.PROBLEMS})
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        return answer(self, request, jobs.cancel(own(self, identity), actor=self.actor.name))


class RetryView(TenantAPIView):
    """`/v1/jobs/{id}/retry`"""

    scopes = {"POST": "jobs:write"}

    @extend_schema(operation_id="jobs_retry", request=None, responses={202: schemas.Job, **schemas.PROBLEMS})
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        return answer(self, request, jobs.retry(own(self, identity), actor=self.actor.name), status=202)
