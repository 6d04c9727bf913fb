"""Reviewers at one result at once, each with a connection of its own; on the database that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from inference import review
from inference.domain.reviewing import ResultSigned
from inference.models import Review, Signature
from inference.review import ResultChanged
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.conftest import make_party
from tests.inference.work import echo_installed, subscribe
from tests.reviewing import Ward, make_ward

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 6


@pytest.fixture
def ward(transactional_db: None) -> Iterator[Ward]:
    """A result, in a database that other connections see."""
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield make_ward(party)


def sequences(ward: Ward) -> list[int]:
    with tenant_context(ward.tenant.id):
        return list(Review.objects.order_by("sequence").values_list("sequence", flat=True))


def test_of_reviewers_who_saw_the_same_version_one_writes(ward: Ward) -> None:
    outcome = race(CROWD, lambda number: ward.conclude(f"words {number}", expected=0))
    assert [type(error) for error in failures(outcome)] == [ResultChanged] * (CROWD - 1)
    assert sequences(ward) == [1]


def test_reviewers_who_do_not_mind_write_one_after_the_other(ward: Ward) -> None:
    assert failures(race(CROWD, lambda number: ward.conclude(f"words {number}"))) == []
    assert sequences(ward) == list(range(1, CROWD + 1))


def test_control_without_the_lock_they_collide(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time, and that is the lock")
    monkeypatch.setattr("tenants.querysets.TenantQuerySet.select_for_update", lambda self, **options: self)
    for _ in range(10):
        outcome = race(CROWD, lambda number: ward.conclude(f"words {number}"))
        if any(isinstance(error, IntegrityError | OperationalError) for error in failures(outcome)):
            return
    pytest.fail("the lock makes no difference, so the race shows nothing")


def test_an_act_and_a_signature_at_once_come_one_after_the_other(ward: Ward) -> None:
    ward.judge("accepted")

    def act(number: int) -> Any:
        return ward.sign() if number == 0 else ward.conclude(f"words {number}")

    refused = failures(race(CROWD, act))
    assert all(isinstance(error, ResultSigned) for error in refused)
    with tenant_context(ward.tenant.id):
        signature = Signature.objects.get()
        assert signature.sequence == len(sequences(ward)) + 1
        assert signature.signed_sha256 == review.digest(ward.result(), ward.reading())


def test_a_result_is_signed_once(ward: Ward) -> None:
    ward.judge("accepted")
    refused = failures(race(CROWD, lambda _: ward.sign()))
    assert [type(error) for error in refused] == [ResultSigned] * (CROWD - 1)
