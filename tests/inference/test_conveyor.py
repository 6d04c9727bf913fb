"""The stages of a bucket at work at once, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
from django.db import OperationalError

from billing import books
from billing.models import UsageEvent
from inference.engine import conveyor as conveyors
from inference.engine import predict as predicts
from inference.engine import take as takes
from inference.engine.conveyor import Conveyor
from inference.engine.lease import Keeper
from inference.models import Job, JobState, Result
from inference.plugins import registry as plugins
from tenants.context import operator_context, tenant_context
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, echo_installed, reread, study_of, submit, subscribe

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30.0


@pytest.fixture
def parties(transactional_db: None) -> Iterator[list[Party]]:
    """Three tenants, in a database that other connections see."""
    with echo_installed():
        found = [make_party(name) for name in ("one", "two", "three")]
        for party in found:
            subscribe(party.tenant)
        yield found


def backlog(parties: Sequence[Party], each: int) -> list[Job]:
    """Some jobs of every tenant."""
    studies = [study_of(party.tenant) for party in parties]
    return [submit(study.tenant, study) for _ in range(each) for study in studies]


def conveyor() -> Conveyor:
    return Conveyor(Keeper(), lambda: "w")


def test_a_backlog_of_several_tenants_is_worked_off_and_each_job_is_billed_once(parties: list[Party]) -> None:
    jobs = backlog(parties, 7)
    assert conveyor().run(jobs[0].bucket, PATIENCE)
    assert {reread(job).state for job in jobs} == {JobState.SUCCEEDED}
    with operator_context():
        billed = list(UsageEvent.objects.values_list("tenant_id", "job_id"))
        assert sorted(billed) == sorted((job.tenant_id, job.pk) for job in jobs)
        assert Result.objects.count() == len(jobs)
    for party in parties:
        with tenant_context(party.tenant.id):
            assert books.check(party.tenant.id) == []


def test_the_next_batch_is_taken_while_the_model_runs(parties: list[Party], monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = backlog(parties, 4)
    taken, take = threading.Semaphore(0), conveyors.take

    def taking(*arguments: object) -> object:
        batch = take(*arguments)  # type: ignore[arg-type]
        taken.release()
        return batch

    plugin = plugins.get(SLUG)
    predict, first = plugin.predict, []

    def predicting(batch: Sequence[str]) -> Sequence[str]:
        if not first:
            # the batch in hand is one, the one that is taken ahead the other
            first.append([taken.acquire(timeout=PATIENCE) for _ in range(2)])
        return predict(batch)

    monkeypatch.setattr(conveyors, "take", taking)
    monkeypatch.setattr(plugin, "predict", predicting)
    conveyor().run(jobs[0].bucket, PATIENCE)
    assert first == [[True, True]]


def test_what_has_not_come_through_the_model_is_never_written(
    parties: list[Party], monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = backlog(parties[:1], 1)

    def ending(batch: Sequence[str]) -> Sequence[str]:
        raise SystemExit

    monkeypatch.setattr(plugins.get(SLUG), "predict", ending)
    with pytest.raises(SystemExit):
        conveyor().run(job.bucket, PATIENCE)
    assert reread(job).state == JobState.RUNNING
    with operator_context():
        assert not Result.objects.exists()


def breaking_off(*_: object) -> None:
    raise OperationalError("gone")


STAGES = {"taking": "inputs_of", "predicting": "predict_in_parts", "writing": "write"}


@pytest.fixture(params=STAGES)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stage that loses its database; the model's part is not to be tried again, for that would need it."""
    module = {"taking": takes, "predicting": predicts, "writing": conveyors}[request.param]
    monkeypatch.setattr(module, STAGES[request.param], breaking_off)
    monkeypatch.setattr(predicts, "settle_failure", breaking_off)
    return str(request.param)


def renewed_after_a_broken_turn(parties: list[Party]) -> bool:
    """Whether the leases of jobs that nobody works on any more are kept alive."""
    jobs = backlog(parties, 4)
    keeper = Keeper()
    with pytest.raises(OperationalError):
        Conveyor(keeper, lambda: "w").run(jobs[0].bucket, PATIENCE)
    before = leases()
    assert before
    keeper.beat()
    return leases() != before


def leases() -> list[tuple[object, ...]]:
    with operator_context():
        return list(Job.objects.filter(state=JobState.RUNNING).order_by("pk").values_list("pk", "lease_until"))


def test_a_turn_that_breaks_off_is_heard_of_and_keeps_no_job(parties: list[Party], broken: str) -> None:
    assert not renewed_after_a_broken_turn(parties)


def test_control_a_turn_that_lets_nothing_go_keeps_its_jobs_for_ever(
    parties: list[Party], broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "let_go", lambda self: None)
    assert renewed_after_a_broken_turn(parties)
