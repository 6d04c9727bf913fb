"""One worker: takes places for its own jobs, then ends every job of the run, in an order of its own.

All workers end all jobs, so that each is ended several times and out of order. Killed at any point, it begins again.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import Error, connection  # noqa: E402

from billing import quota  # noqa: E402
from billing.errors import NoReservation  # noqa: E402
from billing.models import Reservation, ReservationState, UsageEvent  # noqa: E402
from billing.quota import Finished  # noqa: E402
from tenants.context import operator_context, tenant_context  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tests.chaos.money.work import Work, chunks  # noqa: E402

CHUNK, TOGETHER, ONE_IN_ALONE = 1000, 25, 5
"""Jobs between two looks at what is done, jobs of one transaction, and one in so many that is settled alone."""


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("seed", "events", "tenants", "number", "of"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    draw = random.Random(asked.seed * 1000 + asked.number)
    for chunk in chunks(asked.seed, asked.events, asked.tenants, CHUNK):
        while not patiently(lambda chunk=chunk: work_through(chunk, asked, draw)):
            time.sleep(0.05)


def patiently(step: object) -> bool:
    """A database that is gone comes back."""
    try:
        return bool(step())  # type: ignore[operator]
    except Error as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        connection.close()
        time.sleep(0.2)
        return False


def work_through(chunk: list[Work], asked: argparse.Namespace, draw: random.Random) -> bool:
    """Whether every job of the chunk has ended."""
    with operator_context():
        ids = [each.job_id for each in chunk]
        placed = set(Reservation.objects.filter(job_id__in=ids).values_list("job_id", flat=True))
    for batch in batches(
        each for each in chunk if each.number % asked.of == asked.number and each.job_id not in placed
    ):
        begin(batch)
    # some that have ended are ended again: it must change nothing
    left = unended(chunk)
    again = draw.sample(chunk, len(chunk) // 10)
    for batch in batches(shuffled([*left, *again], draw)):
        end(batch)
    return not unended(chunk)


def begin(batch: list[Work]) -> None:
    tenant = tenants()[batch[0].tenant]
    with tenant_context(tenant):
        for each in batch:
            quota.reserve(tenant, job_id=each.job_id, plugin=each.plugin, unit=each.unit, quantity=each.quantity)


def end(batch: list[Work]) -> None:
    """Some one by one, the others together, as an engine would that takes them in a batch."""
    tenant = tenants()[batch[0].tenant]
    with tenant_context(tenant):
        for each in sorted(batch, key=lambda one: one.job_id):
            if each.fails:
                quota.release(tenant, job_id=each.job_id, reason="failed")
        together = [each for each in batch if not each.fails and each.number % ONE_IN_ALONE]
        quota.settle_many([Finished(tenant, each.job_id, 7) for each in together])
        for each in batch:
            if not each.fails and each not in together:
                settle(tenant, each)


def settle(tenant: UUID, each: Work) -> None:
    with suppress(NoReservation):
        quota.settle(tenant, job_id=each.job_id, compute_ms=7)


def unended(chunk: list[Work]) -> list[Work]:
    with operator_context():
        ids = [each.job_id for each in chunk]
        ended = set(UsageEvent.objects.filter(job_id__in=ids).values_list("job_id", flat=True))
        released = Reservation.objects.filter(job_id__in=ids, state=ReservationState.RELEASED)
        ended |= set(released.values_list("job_id", flat=True))
    return [each for each in chunk if each.job_id not in ended]


def batches(jobs: Iterable[Work]) -> Iterator[list[Work]]:
    """Some jobs of one tenant at a time."""
    by_tenant: defaultdict[int, list[Work]] = defaultdict(list)
    for each in jobs:
        by_tenant[each.tenant].append(each)
    for mine in by_tenant.values():
        for start in range(0, len(mine), TOGETHER):
            yield mine[start : start + TOGETHER]


def shuffled(jobs: list[Work], draw: random.Random) -> list[Work]:
    return draw.sample(jobs, len(jobs))


def tenants() -> list:  # type: ignore[type-arg]
    if not _tenants:
        with operator_context():
            _tenants.extend(
                Tenant.objects.filter(name__startswith="chaos-").order_by("name").values_list("id", flat=True)
            )
    return _tenants


_tenants: list = []  # type: ignore[type-arg]

if __name__ == "__main__":
    main()
