"""The table of moves, without a database."""

from __future__ import annotations

import pytest

from inference.domain.states import ACTIVE, ENDED, TRANSITIONS, may_move
from inference.models import JobState

pytestmark = pytest.mark.database_free


def test_the_table_knows_every_state_of_the_model_and_no_other() -> None:
    assert set(TRANSITIONS) == {state.value for state in JobState} == ACTIVE | ENDED
    assert not ACTIVE & ENDED
    assert set().union(*TRANSITIONS.values()) <= set(TRANSITIONS)


def test_nothing_moves_a_job_that_succeeded() -> None:
    assert not any(may_move("succeeded", target) for target in TRANSITIONS)


def test_only_a_running_job_succeeds() -> None:
    assert [start for start in TRANSITIONS if may_move(start, "succeeded")] == ["running"]


def test_only_a_queued_job_is_taken_or_expires() -> None:
    for target in ("running", "expired"):
        assert [start for start in TRANSITIONS if may_move(start, target)] == ["queued"]


@pytest.mark.parametrize("state", sorted(ENDED - {"succeeded"}))
def test_a_job_that_ended_without_success_can_only_be_queued_again(state: str) -> None:
    assert [target for target in TRANSITIONS if may_move(state, target)] == ["queued"]


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_every_job_under_way_can_be_cancelled_and_can_fail(state: str) -> None:
    assert may_move(state, "cancelled")
    assert may_move(state, "failed")


@pytest.mark.parametrize("state", sorted(TRANSITIONS))
def test_no_state_moves_to_itself(state: str) -> None:
    assert not may_move(state, state)
