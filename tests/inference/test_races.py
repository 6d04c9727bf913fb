"""Many at one quota and one job at once, over the whole way of a submit; on the database that the settings name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billing.errors import QuotaExceeded
from billing.models import QuotaCounter, Reservation, ReservationState, UsageEvent
from inference import jobs, outcomes
from inference.domain.report import Report
from inference.engine.claim import claim
from inference.models import Job, JobState, Result
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, echo_installed, reread, study_of, submit, subscribe

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT, CROWD = 10, 50
PROVENANCE = {"plugin": SLUG, "version": "1.0.0", "weights_sha256": "0" * 64}


@pytest.fixture
def trial(transactional_db: None) -> Iterator[Party]:
    """A tenant with a hard stop, in a database that other connections see."""
    with echo_installed():
        party = make_party("trial")
        subscribe(party.tenant, "trial")
        yield party


def test_fifty_submits_at_once_against_a_quota_of_ten_make_exactly_ten_jobs(trial: Party) -> None:
    study = study_of(trial.tenant)
    outcome = race(CROWD, lambda _: submit(trial.tenant, study))
    refused = failures(outcome)
    assert [type(error) for error in refused] == [QuotaExceeded] * (CROWD - LIMIT)
    with tenant_context(trial.tenant.id):
        held = Reservation.objects.filter(state=ReservationState.HELD)
        assert set(held.values_list("job_id", flat=True)) == set(Job.objects.values_list("pk", flat=True))
        assert Job.objects.count() == LIMIT
        assert (QuotaCounter.objects.get().used, QuotaCounter.objects.get().reserved) == (0, LIMIT)


def test_of_eight_doubled_completions_at_once_one_writes_and_bills(trial: Party) -> None:
    job = submit(trial.tenant, study_of(trial.tenant))
    (lease,) = claim(job.bucket, 1, "w")
    written = race(8, lambda _: outcomes.complete(lease, Report("no_findings"), PROVENANCE))
    assert failures(written) == []
    assert written.count(True) == 1
    with tenant_context(trial.tenant.id):
        assert (Result.objects.count(), UsageEvent.objects.count()) == (1, 1)


def test_completion_and_cancellation_at_once_leave_one_consistent_end(trial: Party) -> None:
    job = submit(trial.tenant, study_of(trial.tenant))
    (lease,) = claim(job.bucket, 1, "w")
    running = reread(job)

    def end(number: int) -> bool:
        if number:
            return outcomes.complete(lease, Report("no_findings"), PROVENANCE)
        with tenant_context(trial.tenant.id):
            return jobs.cancel(running, actor="test").state == JobState.CANCELLED

    ended = race(2, end)
    assert ended.count(True) == 1
    assert all(isinstance(error, jobs.JobAlreadyFinished) for error in failures(ended))
    billed = int(reread(job).state == JobState.SUCCEEDED)
    with tenant_context(trial.tenant.id):
        assert (Result.objects.count(), UsageEvent.objects.count()) == (billed, billed)
        assert QuotaCounter.objects.get().reserved == 0


def test_a_retry_pressed_many_times_at_once_takes_one_place(trial: Party) -> None:
    job = submit(trial.tenant, study_of(trial.tenant))
    with tenant_context(trial.tenant.id):
        cancelled = jobs.cancel(job, actor="test")

    def press(_: int) -> Job:
        with tenant_context(trial.tenant.id):
            return jobs.retry(cancelled, actor="test")

    refused = failures(race(8, press))
    assert [type(error) for error in refused] == [jobs.JobNotFinished] * 7
    with tenant_context(trial.tenant.id):
        assert Reservation.objects.filter(state=ReservationState.HELD).count() == 1
        assert QuotaCounter.objects.get().reserved == 1
