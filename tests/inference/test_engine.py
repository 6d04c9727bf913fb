"""The fence, the claim, the sweeper: each guard with a control that shows what happens without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from billing import cycle
from billing.errors import ClosingFailed
from billing.models import Invoice, Reservation, ReservationState, UsageEvent
from inference import outcomes, sweeper
from inference.domain.report import Report
from inference.engine import lease as leasing
from inference.engine.claim import claim
from inference.engine.lease import Keeper, Lease, renew
from inference.models import Job, JobState, Result, Study
from tenants.context import operator_context, tenant_context
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, echo_installed, reread, study_of, submit, subscribe, work

PROVENANCE = {"plugin": SLUG, "version": "1.0.0", "weights_sha256": "0" * 64}
EMPTY = Report("no_findings")


def rows(party: Party) -> tuple[int, int]:
    with tenant_context(party.tenant.id):
        return Result.objects.count(), UsageEvent.objects.count()


def expire(job: Job) -> None:
    with operator_context():
        Job.objects.filter(pk=job.pk).update(lease_until=Now() - leasing.timedelta(seconds=1))


def test_a_completion_is_written_once(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    (lease,) = claim(job.bucket, 1, "w")
    assert outcomes.complete(lease, EMPTY, PROVENANCE)
    assert not outcomes.complete(lease, EMPTY, PROVENANCE)
    assert rows(clinic) == (1, 1)


def stale_lease(party: Party, study: Study) -> Lease:
    """A worker froze; its lease ran out; another attempt has the job in hand."""
    job = submit(party.tenant, study)
    (old,) = claim(job.bucket, 1, "frozen")
    expire(job)
    sweeper.free_expired_leases()
    (new,) = claim(job.bucket, 1, "fresh")
    assert (old.attempt, new.attempt) == (1, 2)
    return old


def test_a_stale_attempt_changes_nothing(clinic: Party, study: Study) -> None:
    old = stale_lease(clinic, study)
    assert not outcomes.complete(old, EMPTY, PROVENANCE)
    assert not outcomes.try_again(old, Now())
    assert not outcomes.give_up(old)
    assert renew([old]) == set()
    assert rows(clinic) == (0, 0)


def test_control_without_the_fence_the_stale_attempt_writes(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stale_lease(clinic, study)
    monkeypatch.setattr(outcomes, "held", lambda leases: Q(pk__in=[lease.job_id for lease in leases]))
    assert outcomes.complete(old, EMPTY, PROVENANCE)
    assert rows(clinic) == (1, 1)


def test_even_without_the_fence_the_database_refuses_a_second_result(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(clinic.tenant, study)
    (lease,) = claim(job.bucket, 1, "w")
    outcomes.complete(lease, EMPTY, PROVENANCE)
    monkeypatch.setattr(outcomes, "held", lambda leases: Q(pk__in=[lease.job_id for lease in leases]))
    with pytest.raises(IntegrityError):
        outcomes.complete(lease, EMPTY, PROVENANCE)


def test_a_lost_lease_is_queued_again_to_run_alone_and_ends_when_attempts_are_used_up(
    clinic: Party, study: Study
) -> None:
    job = submit(clinic.tenant, study)
    for attempt in (1, 2, 3):
        (lease,) = claim(job.bucket, 4, "dies")
        assert lease.attempt == attempt
        expire(job)
        sweeper.free_expired_leases()
        assert reread(job).alone
    ended = reread(job)
    assert (ended.state, ended.error["code"]) == (JobState.FAILED, "internal_error")
    with tenant_context(clinic.tenant.id):
        assert not Reservation.objects.filter(state=ReservationState.HELD).exists()
    assert rows(clinic) == (0, 0)


def test_a_living_lease_is_left_alone(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    claim(job.bucket, 1, "lives")
    assert sweeper.free_expired_leases() == 0
    assert reread(job).state == JobState.RUNNING


def test_the_keeper_renews_what_is_ours_and_learns_what_is_lost(clinic: Party, study: Study) -> None:
    mine, lost = submit(clinic.tenant, study), submit(clinic.tenant, study)
    leases = {lease.job_id: lease for lease in claim(mine.bucket, 2, "w")}
    before = reread(mine).lease_until
    with operator_context():
        Job.objects.filter(pk=lost.pk).update(attempt=9)
    keeper = Keeper()
    keeper.keep(leases.values())
    keeper.beat()
    assert keeper.lost(leases[lost.pk])
    assert not keeper.lost(leases[mine.pk])
    after = reread(mine).lease_until
    assert before is not None
    assert after is not None
    assert after >= before


def test_a_batch_that_outlives_its_deadline_ends_the_process(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(clinic.tenant, study)
    with operator_context():
        Job.objects.update(deadline_seconds=0)
    leases = claim(bucket_of(clinic), 1, "w")
    ended: list[int] = []
    monkeypatch.setattr(leasing.os, "_exit", ended.append)
    keeper = Keeper()
    with keeper.deadline(leases):
        keeper.beat()
    assert ended == [leasing.STUCK_EXIT_STATUS]


def test_a_stage_without_jobs_is_never_late(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing.os, "_exit", lambda status: pytest.fail("the process would have ended"))
    keeper = Keeper()
    with keeper.deadline([]):
        keeper.beat()


def bucket_of(party: Party) -> str:
    with tenant_context(party.tenant.id):
        return str(Job.objects.values_list("bucket", flat=True)[0])


def test_one_tenants_crowd_does_not_keep_another_ones_job_waiting(clinic: Party, study: Study) -> None:
    crowd = [submit(clinic.tenant, study) for _ in range(30)]
    single = make_party("single")
    subscribe(single.tenant)
    lone = submit(single.tenant, study_of(single.tenant))
    taken = claim(lone.bucket, 4, "w")
    assert lone.pk in {lease.job_id for lease in taken}
    assert crowd[0].pk in {lease.job_id for lease in taken}


def test_control_by_age_alone_the_crowd_goes_first(clinic: Party, study: Study) -> None:
    for _ in range(6):
        submit(clinic.tenant, study)
    single = make_party("single")
    subscribe(single.tenant)
    lone = submit(single.tenant, study_of(single.tenant))
    with operator_context():
        oldest = list(Job.objects.order_by("created_at")[:4])
    assert lone.pk not in {job.pk for job in oldest}


def test_a_higher_priority_goes_first_within_a_tenant(clinic: Party, study: Study) -> None:
    submit(clinic.tenant, study)
    urgent = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.filter(pk=urgent.pk).update(priority=2)
    assert claim(urgent.bucket, 1, "w")[0].job_id == urgent.pk


def test_a_job_that_broke_a_worker_runs_alone(clinic: Party, study: Study) -> None:
    first, second = submit(clinic.tenant, study), submit(clinic.tenant, study)
    with operator_context():
        Job.objects.filter(pk=first.pk).update(alone=True)
    assert [lease.job_id for lease in claim(first.bucket, 4, "w")] == [first.pk]
    assert [lease.job_id for lease in claim(first.bucket, 4, "w")] == [second.pk]


def test_a_job_is_not_taken_before_its_time(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.update(available_at=Now() + leasing.timedelta(hours=1))
    assert claim(job.bucket, 4, "w") == []


def test_jobs_of_a_model_that_is_gone_move_to_the_one_in_force(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.update(bucket="echo:0.9.0:000000000000", plugin_version="0.9.0")
    assert sweeper.move_stale_buckets() == 1
    assert (reread(job).bucket, reread(job).plugin_version) == (job.bucket, "1.0.0")


def test_a_place_that_was_kept_for_too_long_expires_with_its_job(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    with operator_context():
        Job.objects.update(available_at=Now() - leasing.timedelta(days=30))
    assert sweeper.expire_overdue_jobs() == 1
    assert reread(job).state == JobState.EXPIRED
    with tenant_context(clinic.tenant.id):
        assert not Reservation.objects.filter(state=ReservationState.HELD).exists()


def test_sweeping_twice_is_sweeping_once(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    claim(job.bucket, 1, "dies")
    expire(job)
    assert sweeper.sweep().freed == 1
    assert sweeper.sweep().freed == 0


def claim_at_once(bucket: str, claimers: int) -> list[list[Lease]]:
    """As many claimers as threads, each with a connection of its own, all starting together."""
    start = Barrier(claimers)

    def one(number: int) -> list[Lease]:
        start.wait()
        try:
            return claim(bucket, 2, f"w{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(claimers) as pool:
        return list(pool.map(one, range(claimers)))


def crowd_of(count: int) -> Job:
    party = make_party("clinic")
    subscribe(party.tenant)
    study = study_of(party.tenant)
    made = [submit(party.tenant, study) for _ in range(count)]
    return made[0]


@pytest.mark.django_db(transaction=True)
def test_no_job_is_taken_twice_however_many_claim_at_once() -> None:
    with echo_installed():
        taken = claim_at_once(crowd_of(10).bucket, 8)
    ids = [lease.job_id for leases in taken for lease in leases]
    assert len(ids) == len(set(ids)) == 10


@pytest.mark.django_db(transaction=True)
def test_control_without_lock_and_condition_jobs_are_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time: there is no race to show")

    def unguarded(bucket: str, most: int, worker: str) -> list[Lease]:
        with operator_context():
            chosen = list(Job.objects.filter(bucket=bucket, state=JobState.QUEUED).order_by("created_at")[:most])
        together.wait()
        with operator_context():
            Job.objects.filter(pk__in=[job.pk for job in chosen]).update(state=JobState.RUNNING, lease_until=Now())
        return leasing.as_leases(chosen)

    together = Barrier(8)
    monkeypatch.setitem(globals(), "claim", unguarded)
    with echo_installed():
        taken = claim_at_once(crowd_of(10).bucket, 8)
    ids = [lease.job_id for leases in taken for lease in leases]
    assert len(ids) > len(set(ids))


def test_doubled_and_late_wake_ups_do_no_harm(clinic: Party, study: Study) -> None:
    job = submit(clinic.tenant, study)
    assert [work() for _ in range(4)] == [1, 0, 0, 0]
    assert reread(job).attempt == 1
    assert rows(clinic) == (1, 1)


def test_a_sweep_closes_the_periods_that_have_ended(
    clinic: Party, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(clinic.tenant, study)
    work()
    sweeper.sweep()
    with tenant_context(clinic.tenant.id):
        assert not Invoice.objects.exists()
    monkeypatch.setattr(sweeper, "timezone", SimpleNamespace(now=lambda: timezone.now() + timedelta(days=40)))
    sweeper.sweep()
    sweeper.sweep()
    with tenant_context(clinic.tenant.id):
        assert Invoice.objects.count() == 1


def test_what_can_not_be_closed_does_not_end_the_sweep(clinic: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> None:
        raise ClosingFailed("one")

    monkeypatch.setattr(cycle, "close_due", failing)
    assert sweeper.sweep().freed == 0


def test_a_job_as_it_was_submitted_expires_when_its_time_is_over(clinic: Party, study: Study, settings: Any) -> None:
    job = submit(clinic.tenant, study)
    assert sweeper.expire_overdue_jobs() == 0
    settings.ASSAY_RESERVATION_SECONDS = -1
    assert sweeper.expire_overdue_jobs() == 1
    assert reread(job).state == JobState.EXPIRED


def test_a_job_that_is_tried_again_keeps_its_place_as_long_as_a_new_one(
    clinic: Party, study: Study, settings: Any
) -> None:
    settings.ASSAY_RESERVATION_SECONDS = 5
    job = submit(clinic.tenant, study)
    (lease,) = claim(job.bucket, 1, "w")
    settings.ASSAY_RESERVATION_SECONDS = 5000
    assert outcomes.try_again(lease, Now())
    with tenant_context(clinic.tenant.id):
        kept = Reservation.objects.get(job_id=job.pk)
    assert kept.expires_at > timezone.now() + timedelta(seconds=1000)
