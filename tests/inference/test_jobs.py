from __future__ import annotations

import pytest

from billing.errors import PaymentRequired, QuotaExceeded
from billing.models import Reservation, ReservationState, UsageEvent
from inference import jobs, outcomes
from inference.domain.errors import UnsupportedInput
from inference.engine.claim import claim
from inference.models import Job, JobState, Result, Study
from inference.plugins.registry import UnknownPlugin
from tenants.context import operator_context, tenant_context
from tenants.errors import TenantSuspended
from tenants.models import Tenant, TenantStatus
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, reread, study_of, submit, subscribe, work

pytestmark = pytest.mark.django_db


def counts(tenant: Tenant) -> tuple[int, int, int, int]:
    """Jobs, results, usage events, held places."""
    with tenant_context(tenant.id):
        held = Reservation.objects.filter(state=ReservationState.HELD).count()
        return Job.objects.count(), Result.objects.count(), UsageEvent.objects.count(), held


def test_a_job_is_queued_with_its_place_and_its_price(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    assert (job.state, job.attempt, job.unit, job.quantity) == (JobState.QUEUED, 0, "image", 1)
    assert counts(clinic.tenant) == (1, 0, 0, 1)


def test_a_fine_job_ends_with_one_result_and_one_usage_event_at_the_quoted_price(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    assert work() == 1
    assert reread(job).state == JobState.SUCCEEDED
    assert counts(clinic.tenant) == (1, 1, 1, 0)
    with tenant_context(clinic.tenant.id):
        assert UsageEvent.objects.get().minor_units == job.amount


def test_the_estimate_is_the_quote(clinic: Party, study: Study) -> None:
    with tenant_context(clinic.tenant.id):
        told = jobs.estimate(clinic.tenant, plugin_slug=SLUG, study=study)
    assert submit(clinic.tenant, study).amount == told.quote.amount
    assert counts(clinic.tenant)[0] == 1


@pytest.mark.parametrize("kind", ["refuses", "breaks", "breaks-in-model", "loses-outputs"])
def test_a_job_that_does_not_succeed_is_not_billed(clinic: Party, study: Study, kind: str, settings: object) -> None:
    settings.ASSAY_RETRY_DELAY_SECONDS = 0  # type: ignore[attr-defined]
    job = submit(clinic.tenant, study, kind)
    work(rounds=5)
    ended = reread(job)
    assert ended.state == JobState.FAILED
    assert ended.error["code"] == ("unsupported_input" if kind == "refuses" else "internal_error")
    assert counts(clinic.tenant) == (1, 0, 0, 0)
    assert ended.attempt == (1 if kind == "refuses" else 3)


def test_a_broken_job_takes_nothing_from_its_neighbours(clinic: Party, study: Study, settings: object) -> None:
    settings.ASSAY_RETRY_DELAY_SECONDS = 0  # type: ignore[attr-defined]
    made = [submit(clinic.tenant, study, kind) for kind in ("fine", "breaks-in-model", "fine")]
    work(rounds=8)
    assert [reread(job).state for job in made] == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]


def test_what_the_headers_refuse_leaves_nothing(clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        empty = Study.objects.create(tenant=clinic.tenant, kind="image")
        with pytest.raises(UnsupportedInput):
            jobs.submit(clinic.tenant, plugin_slug=SLUG, study=empty)
    assert counts(clinic.tenant) == (0, 0, 0, 0)


def test_unknown_plugins_and_wrong_parameters_are_refused(clinic: Party, study: Study) -> None:
    with tenant_context(clinic.tenant.id):
        with pytest.raises(UnknownPlugin):
            jobs.submit(clinic.tenant, plugin_slug="nothing", study=study)
        with pytest.raises(jobs.InvalidParams) as refused:
            jobs.submit(clinic.tenant, plugin_slug=SLUG, study=study, params={"kind": "odd"})
    assert refused.value.pointer == "/params/kind"


def test_without_a_plan_nothing_is_taken(echo: None) -> None:
    party = make_party("poor")
    with pytest.raises(PaymentRequired):
        submit(party.tenant, study_of(party.tenant))


def test_a_suspended_tenant_submits_nothing(clinic: Party, study: Study) -> None:
    clinic.tenant.status = TenantStatus.SUSPENDED
    with pytest.raises(TenantSuspended):
        submit(clinic.tenant, study)


def test_the_hard_stop_of_the_trial_refuses_the_eleventh(echo: None) -> None:
    party = make_party("trial")
    subscribe(party.tenant, "trial")
    study = study_of(party.tenant)
    for _ in range(10):
        submit(party.tenant, study)
    with pytest.raises(QuotaExceeded) as refused:
        submit(party.tenant, study)
    assert refused.value.extra["limit"] == "10"
    assert counts(party.tenant) == (10, 0, 0, 10)


def test_a_queued_job_is_cancelled_and_gives_its_place_back(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    with tenant_context(clinic.tenant.id):
        assert jobs.cancel(job, actor="test").state == JobState.CANCELLED
    assert work() == 0
    assert counts(clinic.tenant) == (1, 0, 0, 0)


def test_a_running_job_is_cancelled_and_its_worker_can_write_nothing_more(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    (lease,) = claim(job.bucket, 4, "w")
    with tenant_context(clinic.tenant.id):
        jobs.cancel(reread(job), actor="test")
    assert not outcomes.give_up(lease)
    assert reread(job).state == JobState.CANCELLED
    assert counts(clinic.tenant) == (1, 0, 0, 0)


def test_an_ended_job_can_not_be_cancelled(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    work()
    with tenant_context(clinic.tenant.id), pytest.raises(jobs.JobAlreadyFinished):
        jobs.cancel(reread(job), actor="test")


def test_a_retry_takes_a_new_place_and_goes_on_counting_attempts(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study, "refuses")
    work()
    with tenant_context(clinic.tenant.id):
        again = jobs.retry(reread(job), actor="test")
    assert (again.state, again.attempt, again.error) == (JobState.QUEUED, 1, None)
    assert counts(clinic.tenant) == (1, 0, 0, 1)
    work()
    assert reread(job).attempt == 2


@pytest.mark.parametrize(("kind", "error"), [("fine", jobs.JobAlreadyFinished), (None, jobs.JobNotFinished)])
def test_only_an_unsuccessful_job_is_retried(clinic: Party, study: Study, kind: str | None, error: type) -> None:
    job = submit(clinic.tenant, study)
    if kind:
        work()
    with tenant_context(clinic.tenant.id), pytest.raises(error):
        jobs.retry(reread(job), actor="test")


def test_the_place_in_the_queue_counts_the_tenants_own_jobs_only(clinic: Party, study: Study) -> None:
    other = make_party("other")
    subscribe(other.tenant)
    submit(other.tenant, study_of(other.tenant))
    first, second = submit(clinic.tenant, study), submit(clinic.tenant, study)
    with tenant_context(clinic.tenant.id):
        assert (jobs.queue_position(first), jobs.queue_position(second)) == (1, 2)


def test_all_books_are_balanced_after_work(clinic: Party, study: Study) -> None:
    from django.db.models import Sum

    from billing.models import LedgerEntry

    submit(clinic.tenant, study)
    work()
    with operator_context():
        sums = LedgerEntry.objects.values("transaction").annotate(total=Sum("amount")).values_list("total", flat=True)
        assert set(sums) == {0}
