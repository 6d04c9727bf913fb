"""What people do to the findings of a result: which act is allowed when, and how a finding stands after its acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from inference.domain.errors import UserError
from inference.domain.reading import ReadFinding, ReviewStatus
from inference.domain.report import Finding

Act = Literal["accepted", "edited", "rejected", "added", "withdrawn"]
Verdict = Literal["accepted", "edited", "rejected", "added"]

FROM: dict[Act, frozenset[ReviewStatus]] = {
    "accepted": frozenset({"unreviewed", "edited", "rejected"}),
    "edited": frozenset({"unreviewed", "accepted", "edited", "rejected", "added"}),
    "rejected": frozenset({"unreviewed", "accepted", "edited"}),
    "withdrawn": frozenset({"accepted", "edited", "rejected", "added"}),
}
"""The states of a finding in which an act may be done. `added` begins a finding, so it has none."""

LONGEST_TEXT = 4000


class ResultSigned(UserError):
    """After the signature only addenda are written."""

    code = "result_signed"
    template = "The result is signed and can not be changed any more: write an addendum."


class ResultNotSigned(UserError):
    """An addendum follows a signature."""

    code = "result_not_signed"
    template = "The result is not signed yet: change it directly, an addendum follows the signature."


class ActNotAllowed(UserError):
    """The finding stands in a state in which the act makes no sense."""

    code = "review_not_allowed"
    template = "This can not be done to the finding as it stands now: read the result again and choose another action."


class ReasonNeeded(UserError):
    """A rejection says why."""

    code = "reason_needed"
    template = "A rejection needs a reason: say in a few words why this is no finding."


class TextTooLong(UserError):
    """A reason, conclusion or addendum has a bound."""

    code = "text_too_long"
    template = "A text has at most %(most)s characters: shorten it."


class TextNeeded(UserError):
    """An addendum without words."""

    code = "text_needed"
    template = "There is no text: write what is to be added."


class FindingsUnreviewed(UserError):
    """Who signs stands for every finding, so each must have been looked at."""

    code = "findings_unreviewed"
    template = "Findings that nobody has reviewed: %(count)s. Accept, edit or reject each one, then sign."


class SignatureIncomplete(UserError):
    """A signature is a name and a statement."""

    code = "signature_incomplete"
    template = "To sign, give your name and confirm that you stand for the result."


@dataclass(frozen=True, slots=True)
class Judgement:
    """One act. `finding` is the finding after it, where the act changed or added it."""

    act: Act
    finding: Finding | None
    reason: str
    reviewer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a finding; `finding` is None for an added one that was taken back."""

    status: ReviewStatus
    finding: Finding | None
    last: Judgement | None = None


def stand(machine: Finding | None, acts: Iterable[Judgement]) -> Reviewed:
    """A finding after its acts in order; `machine` is what the model said, None where a person added it."""
    found = Reviewed("unreviewed", machine)
    for each in acts:
        found = after(found, machine, each)
    return found


def after(before: Reviewed, machine: Finding | None, judgement: Judgement) -> Reviewed:
    """One act further. An added finding stays "added" when it is edited: the model never said it."""
    match judgement.act:
        case "accepted":
            return Reviewed("accepted", machine, judgement)
        case "rejected":
            return Reviewed("rejected", before.finding, judgement)
        case "withdrawn":
            return Reviewed("unreviewed", machine, judgement)
        case "added" | "edited":
            return Reviewed("added" if machine is None else "edited", judgement.finding, judgement)


def read_finding(identity: str, number: int, machine: Finding | None, found: Reviewed) -> ReadFinding:
    """A finding that stands or was rejected, for every output."""
    assert found.finding is not None
    last = found.last
    return ReadFinding(
        identity, number, found.finding, found.status, last.reason if last else "", machine,
        reviewer=last.reviewer if last else "", reviewed_at=last.at if last else None,
    )  # fmt: skip


def require_allowed(act: Act, found: Reviewed) -> None:
    """Raises `ActNotAllowed`: also for everything about an added finding that was taken back."""
    if found.finding is None or found.status not in FROM[act]:
        status = "withdrawn" if found.finding is None else found.status
        raise ActNotAllowed(extra={"finding_status": status, "act": act})


def require_open(signed: bool) -> None:
    """Raises `ResultSigned`."""
    if signed:
        raise ResultSigned


def checked_reason(act: Act, reason: str) -> str:
    """The reason, cleaned; a rejection needs one. Raises `ReasonNeeded` and `TextTooLong`."""
    text = checked_text(reason)
    if act == "rejected" and not text:
        raise ReasonNeeded(pointer="/reason")
    return text


def checked_text(text: str) -> str:
    """Raises `TextTooLong`."""
    if len(text) > LONGEST_TEXT:
        raise TextTooLong(most=LONGEST_TEXT)
    return text.strip()


def require_signable(findings: Iterable[ReadFinding], signer: str, statement: bool) -> None:
    """Raises `SignatureIncomplete` and `FindingsUnreviewed`."""
    if not (signer and statement):
        raise SignatureIncomplete(pointer="/statement" if signer else "/signer")
    left = sum(one.status == "unreviewed" for one in findings)
    if left:
        raise FindingsUnreviewed(count=left)
