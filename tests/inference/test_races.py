"""Many at one quota and one job at once, over the whole way of a submit; on the database that the settings name."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.db.models import Q

from billing.errors import QuotaExceeded
from billing.models import QuotaCounter, Reservation, ReservationState, UsageEvent
from inference import jobs, outcomes
from inference.domain.report import Report
from inference.engine.claim import claim
from inference.engine.lease import Lease, renew
from inference.models import Job, JobState, Result
from inference.outcomes import Completion
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


def leases_of(trial: Party, count: int) -> list[Lease]:
    study = study_of(trial.tenant)
    made = [submit(trial.tenant, study) for _ in range(count)]
    return claim(made[0].bucket, count, "w")


def complete_many(trial: Party, leases: Iterable[Lease]) -> set[UUID]:
    batch = [Completion(lease, Report("no_findings")) for lease in leases]
    return outcomes.complete_many(batch, PROVENANCE)


def test_batches_that_share_jobs_write_and_bill_each_once_while_their_leases_are_renewed(trial: Party) -> None:
    leases = leases_of(trial, 8)
    draw = random.Random(3)
    batches = [draw.sample(leases, 8 - number % 3) for number in range(6)]

    def act(number: int) -> set[UUID]:
        return renew(leases) and set() if number >= 6 else complete_many(trial, batches[number])

    written = race(8, act)
    assert failures(written) == []
    ids = [job for each in written if isinstance(each, set) for job in each]
    assert sorted(ids) == sorted(lease.job_id for lease in leases)
    with tenant_context(trial.tenant.id):
        assert (Result.objects.count(), UsageEvent.objects.count()) == (8, 8)
        assert (QuotaCounter.objects.get().used, QuotaCounter.objects.get().reserved) == (8, 0)


def test_control_without_the_fence_the_second_batch_is_refused_by_the_database(
    trial: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = leases_of(trial, 3)
    monkeypatch.setattr(outcomes, "held", lambda leases: Q(pk__in=[lease.job_id for lease in leases]))
    refused = failures(race(2, lambda _: complete_many(trial, leases)))
    assert [type(error) for error in refused] == [IntegrityError]


def test_of_a_batch_and_cancellations_at_once_each_job_ends_one_way(trial: Party) -> None:
    leases = leases_of(trial, 6)
    with tenant_context(trial.tenant.id):
        running = list(Job.objects.order_by("pk"))

    def end(number: int) -> int:
        if not number:
            return len(complete_many(trial, leases))
        with tenant_context(trial.tenant.id):
            jobs.cancel(running[number], actor="test")
        return 0

    ended = race(5, end)
    refused = failures(ended)
    assert all(isinstance(error, jobs.JobAlreadyFinished) for error in refused)
    cancelled = 4 - len(refused)
    with tenant_context(trial.tenant.id):
        assert Job.objects.filter(state=JobState.CANCELLED).count() == cancelled
        assert (Result.objects.count(), UsageEvent.objects.count()) == (6 - cancelled, 6 - cancelled)
        assert (QuotaCounter.objects.get().used, QuotaCounter.objects.get().reserved) == (6 - cancelled, 0)


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
