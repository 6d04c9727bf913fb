"""Jobs."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.request import Request

from api.errors import problem
from api.v1.shapes.values import Json, address, instant, quantity
from billing.models import UsageEvent
from billing.usage import of_jobs
from inference.models import Job, JobState
from tenants.ids import encode


def listed(rows: list[Job], request: Request) -> list[Json]:
    """A page of jobs: their use is looked up together, their places in the queue are not."""
    events = of_jobs(rows[0].tenant_id, [row.pk for row in rows]) if rows else {}
    return [shown(row, request, events.get(row.pk), None) for row in rows]


def job(row: Job, request: Request, position: int | None) -> Json:
    """One job; `position` is its place in the queue."""
    event = of_jobs(row.tenant_id, [row.pk]).get(row.pk) if row.state == JobState.SUCCEEDED else None
    return shown(row, request, event, position)


def shown(row: Job, request: Request, event: UsageEvent | None, position: int | None) -> Json:
    """A job as every endpoint shows it."""
    identity = encode("job", row.id)
    return {
        "id": identity,
        "object": "job",
        "study": encode("std", row.study_id) if row.study_id else None,
        "plugin": row.plugin,
        "plugin_version": row.plugin_version,
        "state": row.state,
        "attempt": row.attempt,
        "params": row.params,
        "priority": PRIORITIES[row.priority],
        "progress": {"fraction": row.progress_fraction, "stage": row.progress_stage},
        "queue_position": position,
        "created_at": instant(row.created_at),
        "started_at": instant(row.started_at),
        "finished_at": instant(row.finished_at),
        "quote": quote(row),
        "usage": usage(event) if event else None,
        "error": error(row, request),
        "metadata": row.metadata,
        "urls": urls(identity, request),
    }


PRIORITIES = {0: "low", 1: "normal", 2: "high"}


def quote(row: Job) -> Json:
    """The price that was bound at submit."""
    return {"unit": row.unit, "quantity": quantity(row.quantity), "amount": row.amount, "currency": row.currency}


def usage(event: UsageEvent) -> Json:
    """What was metered, once the job succeeded."""
    return {
        "id": encode("usg", event.id),
        "unit": event.unit,
        "quantity": quantity(event.quantity),
        "amount": event.minor_units,
        "currency": event.currency,
    }


def error(row: Job, request: Request) -> Json | None:
    """Why the job failed, as a problem without data of the request."""
    if not row.error:
        return None
    status = 500 if row.error["code"] == "internal_error" else 422
    told = problem(request, row.error["code"], row.error["template"], status_code=status)
    params = row.error.get("params") or {}
    detail = told["detail"] % params if params else told["detail"]
    return {**told, "detail": detail, "instance": reverse("v1:job", args=[encode("job", row.id)]), "request_id": ""}


def urls(identity: str, request: Request) -> Json:
    names = {"self": "job", "result": "job-result", "report": "job-report", "cancel": "job-cancel"}
    return {name: address(request, reverse(f"v1:{route}", args=[identity])) for name, route in names.items()}
