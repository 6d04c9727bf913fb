"""A result under any sequence of acts, against a model of plain words; and a control that the machine must catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inference import review
from inference.domain import reviewing
from inference.models import Review, Signature
from tenants.context import tenant_context
from tenants.errors import UserError
from tests.conftest import Party
from tests.inference.work import MASS, NODULE
from tests.reviewing import Ward, make_ward

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
PLACES = st.integers(0, 4)
# what a client says it saw: mostly nothing, at times a version long past
STALE = st.sampled_from([None] * 6 + [0, -1])
# what a finding of the model, and what an added one, is after an act; an act that is missing is refused
OF_MODEL = {
    ("accept", "unreviewed"): "accepted", ("accept", "edited"): "accepted", ("accept", "rejected"): "accepted",
    ("edit", "unreviewed"): "edited", ("edit", "accepted"): "edited", ("edit", "edited"): "edited",
    ("edit", "rejected"): "edited", ("reject", "unreviewed"): "rejected", ("reject", "accepted"): "rejected",
    ("reject", "edited"): "rejected", ("withdraw", "accepted"): "unreviewed", ("withdraw", "edited"): "unreviewed",
    ("withdraw", "rejected"): "unreviewed",
}  # fmt: skip
OF_PERSON = {("edit", "added"): "added", ("withdraw", "added"): "gone"}
ACTS: dict[str, reviewing.Act] = {
    "accept": "accepted", "edit": "edited", "reject": "rejected", "withdraw": "withdrawn",
}  # fmt: skip


@dataclass
class Told:
    """What must be so: a status for each row of a finding, and how many acts there were."""

    statuses: list[str] = field(default_factory=lambda: ["unreviewed"])
    types: list[str] = field(default_factory=lambda: ["nodule"])
    acts: int = 0
    conclusion: str = ""
    signed: bool = False
    addenda: int = 0

    @property
    def version(self) -> int:
        return self.acts + self.signed + self.addenda


class Reviewing(RuleBasedStateMachine):
    """Each rule does the same to the model and to the product; a run is rolled back at its end."""

    ward: Ward
    signatures = 0

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()
        self.told = Told()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    def tried(self, act: Callable[[int | None], Any], allowed: bool, stale: int | None) -> bool:
        """Do it, and see that it is done just where it may be. `stale` is a version long past, or None."""
        fresh = stale is None or stale == self.told.version
        try:
            act(stale)
            done = True
        except UserError:
            done = False
        assert allowed or not done, "done though it may not be"
        assert fresh or not done, "done on an old version"
        assert done or not (allowed and fresh), "refused though it may be done"
        return done

    @rule(place=PLACES, act=st.sampled_from(sorted(ACTS)), stale=STALE)
    def judge(self, place: int, act: str, stale: int | None) -> None:
        place %= len(self.told.statuses)
        table = OF_MODEL if place == 0 else OF_PERSON
        after = table.get((act, self.told.statuses[place]))
        kind = NODULE if self.told.types[place] == "mass" else MASS
        words = {"reason": "no"} if act == "reject" else {}
        drawn = {"type": kind} if act == "edit" else {}

        def done(version: int | None) -> Any:
            return self.ward.judge(ACTS[act], place=place, expected=version, **words, **drawn)

        if self.tried(done, after is not None and not self.told.signed, stale):
            assert after
            self.told.statuses[place] = after
            self.told.acts += 1
            if act == "edit":
                self.told.types[place] = kind.slug
            elif act in ("accept", "withdraw"):
                self.told.types[place] = "nodule" if place == 0 else self.told.types[place]

    @rule(stale=STALE)
    def add(self, stale: int | None) -> None:
        if self.tried(lambda version: self.ward.add(expected=version), not self.told.signed, stale):
            self.told.statuses.append("added")
            self.told.types.append("mass")
            self.told.acts += 1

    @rule(text=st.sampled_from(["", "Well.", "Not well."]), stale=STALE)
    def conclude(self, text: str, stale: int | None) -> None:
        if self.tried(lambda version: self.ward.conclude(text, expected=version), not self.told.signed, stale):
            self.told.conclusion = text
            self.told.acts += 1

    @rule(stale=STALE, looked=st.booleans())
    def sign(self, stale: int | None, looked: bool) -> None:
        """At times after a look at the finding that would stand in the way, so that signatures are not rare."""
        if looked and self.told.statuses[0] == "unreviewed":
            self.judge(0, "accept", None)
        ready = not self.told.signed and "unreviewed" not in self.told.statuses
        done = self.tried(lambda version: self.ward.sign(expected=version), ready, stale)
        self.told.signed |= done
        type(self).signatures += done

    @rule()
    def append(self) -> None:
        self.told.addenda += self.tried(lambda _: self.ward.append("More."), self.told.signed, None)

    @invariant()
    def the_reading_is_what_was_done(self) -> None:
        reading, told = self.ward.reading(), self.told
        standing = [pair for pair in zip(told.statuses, told.types, strict=True) if pair[0] != "gone"]
        assert [(one.status, one.finding.type.slug) for one in reading.findings] == standing
        assert [one.number for one in reading.findings] == list(range(1, len(standing) + 1))
        assert (reading.conclusion, reading.version) == (told.conclusion, told.version)
        assert (reading.revision, bool(reading.signature)) == (told.signed + told.addenda, told.signed)

    @invariant()
    def acts_are_counted_without_gaps_and_the_signature_is_over_what_stands(self) -> None:
        with tenant_context(self.ward.tenant.id):
            result = self.ward.result()
            sequences = list(Review.objects.order_by("sequence").values_list("sequence", flat=True))
            signed = [one.signed_sha256 for one in Signature.objects.all()]
            assert sequences == list(range(1, self.told.acts + 1))
            assert signed == ([review.digest(result, self.ward.reading())] if self.told.signed else [])


@pytest.fixture
def ward(clinic: Party) -> Ward:
    return make_ward(clinic)


def run(ward: Ward, examples: int = 30) -> int:
    """Many runs on one result; how many of them came to a signature."""

    class OnThisWard(Reviewing):
        pass

    OnThisWard.ward = ward
    run_state_machine_as_test(
        OnThisWard,
        settings=settings(
            max_examples=examples, stateful_step_count=15, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return OnThisWard.signatures


def test_a_result_is_what_people_did_to_it(ward: Ward) -> None:
    assert run(ward) > 3, "hardly a run came to a signature, so nothing was shown about it"


def test_control_a_rule_that_lets_a_signed_result_be_changed_is_noticed(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the database's guard stands behind the rule, and speaks in its own words
    monkeypatch.setattr(review, "require_open", lambda signed: None)
    with pytest.raises(Exception, match=r"closed|UNIQUE|unique|done though"):
        run(ward)


def test_control_a_lost_comparison_of_versions_is_noticed(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = review._begun
    monkeypatch.setattr(review, "_begun", lambda result, by, expected: whole(result, by, None))
    with pytest.raises(AssertionError, match="old version"):
        run(ward)
