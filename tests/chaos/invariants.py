"""What must hold after every run, asked of the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum

from billing.fields import ExactSum
from billing.models import LedgerEntry, QuotaCounter, Reservation, UsageEvent
from inference.domain.states import ENDED
from inference.models import Job, Result
from tenants import audit
from tenants.context import operator_context
from tests.chaos.submitter import Submitted


def violations(submitted: Submitted) -> list[str]:
    """Everything that is wrong; empty when nothing is."""
    with operator_context():
        found = [*of_requests(submitted), *of_jobs(submitted.accepted), *of_money()]
    return [*found, *(f"audit: {fault}" for fault in audit.verify())]


def of_requests(submitted: Submitted) -> Iterator[str]:
    """However often a request was sent again, it made one job; one that never had an answer made one or none."""
    yield from submitted.refused
    more = Job.objects.count() - len(submitted.accepted)
    if not 0 <= more <= submitted.unanswered:
        yield f"{more} jobs more than were accepted, with {submitted.unanswered} requests unanswered"


def of_jobs(accepted: dict[UUID, str]) -> Iterator[str]:
    jobs = {job.pk: job for job in Job.objects.all()}
    results = dict(Result.objects.values_list("job_id").annotate(Count("pk")))
    events = dict(UsageEvent.objects.values_list("job_id").annotate(Count("pk")))
    yield from (f"lost: {identity}" for identity in set(accepted) - set(jobs))
    for identity, job in jobs.items():
        if job.state not in ENDED:
            yield f"not ended: {identity} {job.state}"
        wanted = 1 if job.state == "succeeded" else 0
        for what, counted in (("results", results), ("usage events", events)):
            if counted.get(identity, 0) != wanted:
                yield f"{job.state} with {counted.get(identity, 0)} {what}: {identity}"
        if accepted.get(identity) == "poison" and job.state != "failed":
            yield f"poison that ended as {job.state}: {identity}"


def of_money() -> Iterator[str]:
    for row in LedgerEntry.objects.values("transaction").annotate(total=ExactSum("amount")):
        if row["total"] != 0:
            yield f"unbalanced: {row}"
    held = Reservation.objects.filter(state="held").count()
    if held:
        yield f"{held} places still held"
    for counter in QuotaCounter.objects.all():
        settled: Any = Reservation.objects.filter(counter=counter, state="settled").aggregate(n=Sum("metered"))["n"]
        if counter.reserved != 0 or counter.used != (settled or 0):
            yield f"counter used {counter.used} reserved {counter.reserved}, settled {settled}"
