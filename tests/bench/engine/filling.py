"""A backlog: jobs of several tenants with their places, written as if each had been submitted."""

from __future__ import annotations

import io
from uuid import UUID

import numpy as np
from django.utils import timezone
from PIL import Image

from billing.domain.money import total
from billing.models import QuotaCounter, Reservation, SpendingCounter
from inference import jobs, registry, wakeup
from inference.intake.receive import receive
from inference.models import Job, JobState
from inference.plugins import registry as plugins
from tenants.context import operator_context, tenant_context
from tests.bench.money.rows import copies, numbered, settle_down
from tests.bench.money.world import Customer, customer, next_numbers

TENANTS, STUDIES = 8, 8
EDGES = {"bench-small": 64, "bench-unet": 256}


def customers() -> list[Customer]:
    """Who submits the backlog."""
    return [customer(f"engine-{number}") for number in range(TENANTS)]


def patterns(who: list[Customer], slug: str, images: int = 1) -> list[UUID]:
    """One submitted job for each of some studies of each customer: what the backlog is copied from."""
    return [_submit(each, slug, images, number) for each in who for number in range(STUDIES)]


def fill(of: list[UUID], count: int) -> None:
    """`count` more queued jobs, in one transaction, then the bell."""
    with operator_context():
        found = list(Job.objects.filter(pk__in=of))
        for number, job in enumerate(found):
            share = count // len(found) + (number < count % len(found))
            if share:
                _copy(job, share)
    settle_down()
    wakeup.ring(found[0].bucket)


def left(slug: str) -> int:
    """Jobs that have not ended."""
    with operator_context():
        bucket = registry.bucket(plugins.get(slug))
        return Job.objects.filter(bucket=bucket, state__in=[JobState.QUEUED, JobState.RUNNING]).count()


def _submit(who: Customer, slug: str, images: int, number: int) -> UUID:
    files = [(f"{each}.png", picture(EDGES[slug], number * 1000 + each)) for each in range(images)]
    study = receive(who.tenant, files).study
    with tenant_context(who.id):
        return jobs.submit(who.tenant, plugin_slug=slug, study=study).pk


def _copy(job: Job, count: int) -> None:
    first = next_numbers(count)
    place = Reservation.objects.select_related("counter").filter(job_id=job.pk).get()
    now = timezone.now()
    copies(place, first, count, id=numbered("b2"), job_id=numbered("a2"), state="held", created_at=now,
           expires_at=now + (place.expires_at - place.created_at), ended_at=None, reason="")  # fmt: skip
    copies(job, first, count, id=numbered("a2"), state=JobState.QUEUED, created_at=now, available_at=now,
           started_at=None, finished_at=None, lease_until=None, attempt=0, version=0, worker="",
           progress_fraction=0.0, progress_stage="queued", error=None)  # fmt: skip
    counter = QuotaCounter.objects.get(pk=place.counter_id)
    counter.reserved = total([counter.reserved, place.metered * count])
    counter.save(update_fields=["reserved"])
    money = SpendingCounter.objects.get(subscription=counter.subscription_id, period_start=counter.period_start)
    money.held = total([money.held, place.amount * count])
    money.save(update_fields=["held"])


def picture(edge: int, number: int) -> io.BytesIO:
    """A noisy picture, different for each number."""
    values = np.random.default_rng(number).integers(0, 255, (edge, edge), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    stream.seek(0)
    return stream
