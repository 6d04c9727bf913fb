"""One key, one effect: under a crowd of equal requests, after a death in mid request, and after a take-over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api import idempotency
from inference.models import IdempotencyRecord, Job, Study
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tests.billing.race import failures, race
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, echo_installed, study_of, subscribe

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 20


@pytest.fixture
def clinic(transactional_db: None) -> Iterator[Party]:
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


@pytest.fixture
def study(clinic: Party) -> Study:
    return study_of(clinic.tenant)


def post(clinic: Party, study: Study, key: str) -> Any:
    body = json.dumps({"study": encode("std", study.id), "plugin": SLUG})
    return Client().post(
        "/v1/jobs", body, content_type="application/json", headers={"Idempotency-Key": key}, **clinic.bearer
    )


def jobs_of(clinic: Party) -> int:
    with tenant_context(clinic.tenant.id):
        return Job.objects.count()


def abandon(clinic: Party, **ago: float) -> None:
    """As if the process that claimed the key had died so long ago."""
    with operator_context():
        IdempotencyRecord.objects.update(status=None, response=None, created_at=timezone.now() - timedelta(**ago))


def test_twenty_equal_requests_at_once_make_one_job(clinic: Party, study: Study) -> None:
    answers = race(CROWD, lambda _: post(clinic, study, "same"))
    assert failures(answers) == []
    codes = {answer.status_code for answer in answers if not isinstance(answer, Exception)}
    assert codes <= {202, 409}
    assert 202 in codes
    assert jobs_of(clinic) == 1
    assert post(clinic, study, "same")["Idempotent-Replayed"] == "true"


def test_control_twenty_requests_without_a_key_make_twenty_jobs(clinic: Party, study: Study) -> None:
    assert failures(race(CROWD, lambda number: post(clinic, study, f"own-{number}"))) == []
    assert jobs_of(clinic) == CROWD


def test_the_key_of_a_request_that_died_is_free_after_a_while(clinic: Party, study: Study) -> None:
    with tenant_context(clinic.tenant.id):
        post(clinic, study, "dead")
        Job.objects.all().delete()
    abandon(clinic, seconds=1)
    early = post(clinic, study, "dead")
    assert (early.status_code, early.json()["code"], early["Retry-After"]) == (409, "idempotency_in_progress", "1")
    abandon(clinic, hours=1)
    assert post(clinic, study, "dead").status_code == 202
    assert jobs_of(clinic) == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_a_request_that_was_overtaken_leaves_nothing(
    clinic: Party, study: Study, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is only slow, the second took its key over. Without the guard both would stand: two jobs."""
    if not guarded:
        monkeypatch.setattr(idempotency, "own", lambda record: IdempotencyRecord.objects.filter(pk=record.pk))
    check, begun = idempotency.Claim.keep, []

    def slow(self: idempotency.Claim, response: Any) -> None:
        if not begun:
            begun.append(True)
            # what the take-over by another request writes
            moment = timezone.now() + timedelta(hours=1)
            IdempotencyRecord.objects.for_tenant(clinic.tenant).update(created_at=moment)
        check(self, response)

    monkeypatch.setattr(idempotency.Claim, "keep", slow)
    overtaken = post(clinic, study, "slow")
    assert (overtaken.status_code, jobs_of(clinic)) == ((409, 0) if guarded else (202, 1))
