"""What people do to a result: judge and add findings, conclude, sign, and append after the signature.

Every function runs in the tenant's scope, in the caller's transaction, and leaves a trace in the audit log: ids and
acts, never words. `expected` is the version that the person saw; another one is refused, so that of two reviewers
neither overwrites the other unseen. None takes the result as it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from inference import learning
from inference.domain import editing
from inference.domain.editing import Drawn
from inference.domain.errors import UserError
from inference.domain.placing import Images, OutlineInvalid
from inference.domain.reading import Reading
from inference.domain.report import Finding as FoundFinding
from inference.domain.reviewing import (
    Act,
    ResultNotSigned,
    Reviewed,
    TextNeeded,
    checked_reason,
    checked_text,
    require_allowed,
    require_open,
    require_signable,
)
from inference.drawn_on import images_of
from inference.models import Addendum, Finding, Result, Review, ReviewAct, Signature
from inference.reading import as_json, name_of, reading_of, stood
from tenants import audit
from tenants.ids import encode, uuid7
from tenants.models import User
from tenants.roles import REVIEWERS

LONGEST_SIGNER = 150


class ReviewerNeeded(UserError):
    """The member's role reads results and does not review them."""

    code = "role_missing"
    template = "Your role reads results but does not review them: ask an owner for the role of a reviewer."


class PersonNeeded(UserError):
    """A key stands for a machine, and a machine stands for nothing."""

    code = "person_needed"
    template = "A person signs, not an API key: log in to the portal and sign there."


class ResultChanged(UserError):
    """Somebody else was faster."""

    code = "result_changed"
    template = "The result was changed since you read it: read it again, then decide."


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who acts: a person in a role of the tenant, or a key, which has neither. `actor` is the name for the audit."""

    actor: str
    user: User | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a person says about a finding; `drawn` only with an edit."""

    act: Act
    reason: str = ""
    drawn: Drawn | None = None


def review(finding: Finding, judged: Judged, *, by: Reviewer, expected: int | None = None) -> Review:
    """Accept, edit, reject or withdraw. Raises the refusals of `domain.reviewing` and `domain.editing`."""
    result = finding.result
    reading = _opened(result, by, expected)
    found = stood(finding, list(finding.reviews.order_by("sequence").select_related("reviewer")))
    require_allowed(judged.act, found)
    reason = checked_reason(judged.act, judged.reason)
    changed = _edited(result, found, judged.drawn or Drawn()) if judged.act == "edited" else None
    return _written(result, reading, judged.act, by, finding=finding, body=changed, text=reason)


def add(result: Result, drawn: Drawn, *, by: Reviewer, expected: int | None = None, reason: str = "") -> Review:
    """A finding that the model did not have. Raises the refusals of `domain.editing`."""
    reading = _opened(result, by, expected)
    if drawn.type is None:
        raise OutlineInvalid(pointer="/type")
    text = checked_reason("added", reason)
    identity = uuid7()
    body = editing.added(f"2.25.{identity.int}", drawn.type, drawn, images_of(result, drawn.instance_id))
    last = result.findings.order_by("-position").first()
    finding = Finding.objects.create(
        id=identity, tenant_id=result.tenant_id, result=result, position=last.position + 1 if last else 0,
        tracking_uid=body.tracking_uid, slug=body.type.slug, score=body.score, body=asdict(body), by_person=True,
    )  # fmt: skip
    return _written(result, reading, "added", by, finding=finding, body=body, text=text)


def conclude(result: Result, text: str, *, by: Reviewer, expected: int | None = None) -> Review:
    """The physician's conclusion; an empty one takes the one before away. Raises `ResultSigned`."""
    reading = _opened(result, by, expected)
    return _written(result, reading, "concluded", by, text=checked_text(text))


def sign(result: Result, signer: str, *, statement: bool, by: Reviewer, expected: int | None = None) -> Signature:
    """Stand for the result: nothing but addenda follows. The findings become examples where the tenant consents.

    Raises `PersonNeeded`, `ResultSigned`, `SignatureIncomplete` and `FindingsUnreviewed`.
    """
    user = require_person(by)
    reading = _opened(result, by, expected)
    name = signer.strip()[:LONGEST_SIGNER]
    require_signable(reading.findings, name, statement)
    signed: Signature = Signature.objects.create(
        tenant_id=result.tenant_id, result=result, signer=name, user=user, sequence=reading.version + 1,
        signed_sha256=digest(result, reading),
    )  # fmt: skip
    kept = learning.keep(result, reading)
    _recorded("result.signed", result, by, findings=len(reading.findings), examples=kept)
    return signed


def append(result: Result, text: str, *, by: Reviewer, expected: int | None = None) -> Addendum:
    """Words after the signature. Raises `PersonNeeded`, `ResultNotSigned` and `TextNeeded`."""
    user = require_person(by)
    reading = _begun(result, by, expected)
    if reading.signature is None:
        raise ResultNotSigned
    words = checked_text(text)
    if not words:
        raise TextNeeded(pointer="/text")
    written: Addendum = Addendum.objects.create(
        tenant_id=result.tenant_id, result=result, number=len(reading.addenda) + 1, text=words,
        author=name_of(user, by.actor), user=user,
    )  # fmt: skip
    _recorded("result.addendum", result, by, number=written.number)
    return written


def require_reviewer(by: Reviewer) -> None:
    """Raises `ReviewerNeeded` for a person whose role does not review; what a key may do, its scopes say."""
    if by.user is not None and by.role not in REVIEWERS:
        raise ReviewerNeeded


def require_person(by: Reviewer) -> User:
    """Raises `PersonNeeded`."""
    if by.user is None:
        raise PersonNeeded
    return by.user


def digest(result: Result, reading: Reading) -> str:
    """SHA-256 over what a signature stands for: all findings as they stand, and the conclusion."""
    signed = {
        "result": encode("res", result.id),
        "findings": [as_json(one) for one in reading.findings],
        "conclusion": reading.conclusion,
    }
    return hashlib.sha256(json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _opened(result: Result, by: Reviewer, expected: int | None) -> Reading:
    reading = _begun(result, by, expected)
    require_open(reading.signature is not None)
    return reading


def _begun(result: Result, by: Reviewer, expected: int | None) -> Reading:
    """The result as it stands, locked against other reviewers. Raises `ReviewerNeeded` and `ResultChanged`."""
    require_reviewer(by)
    Result.objects.for_tenant(result.tenant_id).select_for_update(no_key=True).get(pk=result.pk)
    reading = reading_of(result)
    if expected is not None and expected != reading.version:
        raise ResultChanged
    return reading


def _edited(result: Result, found: Reviewed, drawn: Drawn) -> FoundFinding:
    assert found.finding is not None
    images: Images | None = None
    if drawn.bbox or drawn.contour:
        drawn = drawn_on(found.finding, drawn)
        images = images_of(result, drawn.instance_id)
    return editing.edited(found.finding, drawn, images)


def drawn_on(finding: FoundFinding, drawn: Drawn) -> Drawn:
    """The same on the finding's best image, where none was named."""
    shown = sorted(finding.location.instances, key=lambda one: not one.best)
    if drawn.instance_id or not shown:
        return drawn
    return Drawn(drawn.type, shown[0].instance_id, shown[0].frame, drawn.bbox, drawn.contour)


def _written(
    result: Result, reading: Reading, act: str, by: Reviewer, *, finding: Finding | None = None,
    body: FoundFinding | None = None, text: str = "",
) -> Review:  # fmt: skip
    written: Review = Review.objects.create(
        tenant_id=result.tenant_id, result=result, finding=finding, sequence=reading.version + 1, act=ReviewAct(act),
        body=asdict(body) if body else None, text=text, reviewer=by.user, actor=by.actor,
    )  # fmt: skip
    subject = {"finding": encode("fnd", finding.id)} if finding else {}
    _recorded(f"finding.{act}" if finding else f"result.{act}", result, by, sequence=written.sequence, **subject)
    return written


def _recorded(action: str, result: Result, by: Reviewer, **detail: object) -> None:
    subject = encode("res", result.id)
    audit.record(action, tenant_id=result.tenant_id, actor=by.actor, subject=subject, **detail)
