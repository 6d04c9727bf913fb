"""An output on its way out: as it is stored, or about the patient whom the study was sent with.

A study whose way back was erased (its data key was dropped) is delivered as it is stored, as one that was anonymised
is: the finding is still worth having, no archive has a study of these UIDs that it could be filed in by mistake, and
the delivery says which of the two it is, so that who files objects by machine can stop there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from inference.deidentification.crosswalk import OriginalIdentity, original_of
from inference.intake import storage
from inference.models import Artifact, Crosswalk, Study
from inference.outputs.kinds import KINDS
from inference.outputs.reidentified import reidentified
from inference.outputs.store import REFUSALS, not_built
from tenants.context import tenant_context

Identity = Literal["stored", "reidentified", "erased"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The bytes of an output. Of a re-identified one they are not to be stored or logged.

    `identity` is "stored" for the bytes as they are kept, "reidentified" for those about the original patient, and
    "erased" for those that are kept because the way back does not exist any more.
    """

    content: bytes = field(repr=False)
    media_type: str
    identity: Identity

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def deliver(row: Artifact, study: Study | None, *, actor: str, as_stored: bool = False) -> Delivery:
    """The output `row` of a result on `study`; `as_stored` leaves the pseudonym. Call it outside of a transaction.

    Each re-identification is the audit event `study.reidentified` with the kind as its purpose, written before the
    bytes are made. Raises `NotBuilt`, and `InternalError` for a crosswalk that was altered.
    """
    identity, original = ("stored", None) if as_stored else way_back(row, study, actor)
    content = storage.read(row.tenant_id, row.sha256)
    return Delivery(about(row, content, original) if original else content, row.media_type, identity)


def way_back(row: Artifact, study: Study | None, actor: str) -> tuple[Identity, OriginalIdentity | None]:
    """What the crosswalk of the study says, and why it says nothing."""
    if study is None or row.kind not in KINDS:
        return "stored", None
    with tenant_context(row.tenant_id):
        original = original_of(study, actor=actor, purpose=row.kind)
        if original is not None:
            return "reidentified", original
        is_closed = Crosswalk.objects.for_tenant(row.tenant_id).filter(study=study).exists()
    return "erased" if is_closed else "stored", None


def about(row: Artifact, content: bytes, original: OriginalIdentity) -> bytes:
    """The re-identified bytes. What a library has against the original's attributes is told as `NotBuilt`."""
    try:
        return reidentified(content, row.media_type, original)
    except REFUSALS as error:
        raise not_built(row.kind, error) from None
