"""Jobs that are completed together: what is wrong with one is that job's, not the batch's; and what it costs."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from billing import quota
from billing.errors import NoReservation
from billing.models import UsageEvent
from inference import jobs, outcomes
from inference.domain.report import Report
from inference.engine.claim import claim
from inference.engine.lease import Lease
from inference.models import Finding, Job, JobState, Result, Study
from inference.outcomes import Completion
from tenants.context import tenant_context
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, reread, study_of, submit, subscribe, work

PROVENANCE = {"plugin": SLUG, "version": "1.0.0", "weights_sha256": "0" * 64}


def taken(clinic: Party, study: Study, count: int) -> list[Lease]:
    """Jobs in hand."""
    made = [submit(clinic.tenant, study) for _ in range(count)]
    return claim(made[0].bucket, count, "w")


def complete(clinic: Party, leases: list[Lease]) -> set[UUID]:
    batch = [Completion(lease, Report("no_findings"), 5) for lease in leases]
    return outcomes.complete_many(batch, PROVENANCE)


def rows(party: Party) -> tuple[int, int]:
    with tenant_context(party.tenant.id):
        return Result.objects.count(), UsageEvent.objects.count()


def test_a_batch_is_written_with_all_that_its_jobs_have_found(clinic: Party, study: Study) -> None:
    submitted = [submit(clinic.tenant, study) for _ in range(4)]
    assert work() == 4
    assert rows(clinic) == (4, 4)
    with tenant_context(clinic.tenant.id):
        assert [Finding.objects.filter(result__job=job).count() for job in submitted] == [1] * 4
        assert {job.state for job in Job.objects.all()} == {JobState.SUCCEEDED}


def test_a_stale_attempt_drops_out_of_its_batch(clinic: Party, study: Study) -> None:
    leases = taken(clinic, study, 3)
    with tenant_context(clinic.tenant.id):
        Job.objects.filter(pk=leases[1].job_id).update(attempt=F("attempt") + 1)
    assert complete(clinic, leases) == {leases[0].job_id, leases[2].job_id}
    assert complete(clinic, leases) == set()
    assert rows(clinic) == (2, 2)


def test_a_cancelled_job_drops_out_of_its_batch(clinic: Party, study: Study) -> None:
    leases = taken(clinic, study, 2)
    with tenant_context(clinic.tenant.id):
        jobs.cancel(Job.objects.get(pk=leases[0].job_id), actor="test")
    assert complete(clinic, leases) == {leases[1].job_id}
    assert rows(clinic) == (1, 1)


def test_a_batch_with_a_job_that_can_not_be_billed_leaves_nothing(clinic: Party, study: Study) -> None:
    leases = taken(clinic, study, 2)
    with tenant_context(clinic.tenant.id):
        quota.release(clinic.tenant.id, job_id=leases[0].job_id, reason="by mistake")
    with pytest.raises(NoReservation):
        complete(clinic, leases)
    assert rows(clinic) == (0, 0)
    assert complete(clinic, leases[1:]) == {leases[1].job_id}


def test_a_report_that_can_not_be_written_spoils_none_of_its_batch(clinic: Party, study: Study) -> None:
    fine = [submit(clinic.tenant, study) for _ in range(2)]
    bad = submit(clinic.tenant, study, "can-not-be-written")
    assert work() == 3
    assert [reread(job).state for job in [*fine, bad]] == [JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.QUEUED]
    assert reread(bad).alone
    assert rows(clinic) == (2, 2)


def test_jobs_of_two_customers_in_one_batch_are_written_to_each_their_own(clinic: Party, study: Study) -> None:
    other = make_party("other")
    subscribe(other.tenant)
    others = study_of(other.tenant)
    for _ in range(2):
        submit(clinic.tenant, study)
        submit(other.tenant, others)
    assert work() == 4
    assert (rows(clinic), rows(other)) == ((2, 2), (2, 2))


@pytest.mark.parametrize("size", [1, 6])
def test_a_batch_takes_twelve_statements_however_many_jobs_it_has(clinic: Party, study: Study, size: int) -> None:
    complete(clinic, taken(clinic, study, 1))
    leases = taken(clinic, study, size)
    with tenant_context(clinic.tenant.id), CaptureQueriesContext(connection) as asked:
        complete(clinic, leases)
    # and a savepoint, set and released, where PostgreSQL is told of the scope and of the one before
    assert len(asked) == 12 + 2 + (2 if connection.vendor == "postgresql" else 0)


def test_a_submit_takes_thirteen_statements_of_which_six_are_billings(clinic: Party, study: Study) -> None:
    submit(clinic.tenant, study)
    with tenant_context(clinic.tenant.id), CaptureQueriesContext(connection) as asked:
        jobs.submit(clinic.tenant, plugin_slug=SLUG, study=study)
    assert len(asked) == 13
