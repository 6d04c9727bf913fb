"""How a result stands now: the model's findings, and what people have done to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import cast

from inference.domain import reading
from inference.domain.reading import ReadFinding, Reading, finding_from_json
from inference.domain.reviewing import Act, Judgement, Reviewed, read_finding, stand
from inference.models import Addendum, Finding, Result, Review, ReviewAct, Signature
from tenants.ids import encode
from tenants.models import User


def reading_of(result: Result) -> Reading:
    """The result as it stands. Needs the tenant's scope."""
    reviews = list(Review.objects.for_tenant(result.tenant_id).filter(result=result).select_related("reviewer"))
    signature = signature_of(result)
    addenda = list(Addendum.objects.for_tenant(result.tenant_id).filter(result=result)) if signature else []
    rows = Finding.objects.for_tenant(result.tenant_id).filter(result=result).order_by("position")
    revision = 1 + len(addenda) if signature else 0
    return Reading(
        findings=tuple(_read(list(rows), reviews)),
        conclusion=next((one.text for one in reversed(reviews) if one.act == ReviewAct.CONCLUDED), ""),
        signature=reading.Signature(signature.signer, signature.at) if signature else None,
        addenda=tuple(reading.Addendum(one.author, one.text, one.at) for one in addenda),
        revision=revision,
        version=(reviews[-1].sequence if reviews else 0) + revision,
    )


def signature_of(result: Result) -> Signature | None:
    """Looked up anew: the result in hand may be an old view."""
    found: Signature | None = Signature.objects.for_tenant(result.tenant_id).filter(result=result).first()
    return found


def stood(row: Finding, reviews: Sequence[Review]) -> Reviewed:
    """One finding after its acts; `reviews` may be those of the whole result."""
    machine = None if row.by_person else finding_from_json(row.body)
    return stand(machine, (judgement(one) for one in reviews if one.finding_id == row.id))


def judgement(row: Review) -> Judgement:
    changed = finding_from_json(row.body) if row.body else None
    return Judgement(cast(Act, row.act), changed, row.text, name_of(row.reviewer, row.actor), row.at)


def name_of(user: User | None, actor: str) -> str:
    """Who acted, as colleagues read it: a person by name, a key by its public part."""
    return (user.name or user.email) if user else actor


def _read(rows: Sequence[Finding], reviews: Sequence[Review]) -> Iterator[ReadFinding]:
    """Numbered as they stand: an added finding that was taken back is not told of."""
    pairs = ((row, stood(row, reviews)) for row in rows)
    standing = [(row, found) for row, found in pairs if found.finding is not None]
    for number, (row, found) in enumerate(standing, start=1):
        machine = None if row.by_person else finding_from_json(row.body)
        yield read_finding(encode("fnd", row.id), number, machine, found)


def as_json(found: ReadFinding) -> dict[str, object]:
    """What a signature covers of one finding."""
    return {"id": found.id, "status": found.status, "reason": found.reason, "finding": asdict(found.finding)}
