"""Decisions go by the database: its clock and its rows, not by a machine's clock and an old view of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Reservation, ReservationState
from inference import jobs, outcomes, sweeper
from inference.engine.claim import claim
from inference.engine.lease import Lease, renew
from inference.models import Job, JobState, Study
from tenants.context import operator_context, tenant_context
from tests.conftest import Party
from tests.inference.engine.late import expire
from tests.inference.work import reread, submit, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def an_hour_ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sets this machine's clock wrong, as a web server's may be; the database's stays right."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=1)

    return lambda: monkeypatch.setattr(timezone, "datetime", Ahead)


def test_a_job_of_a_machine_whose_clock_is_ahead_can_be_taken_at_once(
    clinic: Party, study: Study, an_hour_ahead: Callable[[], None]
) -> None:
    an_hour_ahead()
    job = submit(clinic.tenant, study)
    assert [lease.job_id for lease in claim(job.bucket, 1, "w")] == [job.pk]


def test_control_by_the_machines_clock_the_job_would_wait_for_an_hour(
    clinic: Party, study: Study, an_hour_ahead: Callable[[], None]
) -> None:
    an_hour_ahead()
    job = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.filter(pk=job.pk).update(available_at=timezone.now())
    assert claim(job.bucket, 1, "w") == []


def test_a_retry_from_a_machine_whose_clock_is_ahead_can_be_taken_at_once(
    clinic: Party, study: Study, an_hour_ahead: Callable[[], None]
) -> None:
    job = submit(clinic.tenant, study, "refuses")
    work()
    an_hour_ahead()
    with tenant_context(clinic.tenant.id):
        jobs.retry(reread(job), actor="test")
    assert [lease.job_id for lease in claim(job.bucket, 1, "w")] == [job.pk]


def test_a_job_that_a_worker_took_since_it_was_shown_is_cancelled_all_the_same(clinic: Party, study: Study) -> None:
    shown = submit(clinic.tenant, study)
    (lease,) = claim(shown.bucket, 1, "w")
    with tenant_context(clinic.tenant.id):
        assert jobs.cancel(shown, actor="test").state == JobState.CANCELLED
        assert not Reservation.objects.filter(state=ReservationState.HELD).exists()
    assert not outcomes.give_up(lease)


def test_a_job_that_ended_since_it_was_shown_is_not_cancelled(clinic: Party, study: Study) -> None:
    shown = submit(clinic.tenant, study)
    work()
    with tenant_context(clinic.tenant.id), pytest.raises(jobs.JobAlreadyFinished):
        jobs.cancel(shown, actor="test")
    assert reread(shown).state == JobState.SUCCEEDED


def test_a_lease_that_was_renewed_since_the_sweeper_saw_it_stays_with_its_worker(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(clinic.tenant, study)
    claim(job.bucket, 1, "slow")
    expire(job)
    as_leases = sweeper.as_leases

    def meanwhile_renewed(rows: Iterable[Any]) -> list[Lease]:
        found = as_leases(rows)
        assert renew(found)
        return found

    monkeypatch.setattr(sweeper, "as_leases", meanwhile_renewed)
    assert sweeper.free_expired_leases() == 0
    assert reread(job).state == JobState.RUNNING
