"""The way back from a stored study to the one that was sent: opened for results on their way out, each time audited."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from inference.deidentification.rules import CROSSWALK
from inference.deidentification.sealing import Unopenable, unseal
from inference.domain.errors import InternalError
from inference.models import Crosswalk, CrosswalkEntry, Study
from tenants import audit, datakeys
from tenants.ids import encode

# its warnings quote the values that it finds odd, and here they are the patient's
warnings.filterwarnings("ignore", module="pydicom")

CHARACTER_SET = "ISO_IR 192"


@dataclass(frozen=True, slots=True)
class OriginalIdentity:
    """Who a study is about. Not to be logged, stored or shown: `repr` tells nothing.

    `uids` leads from each UID that is stored (study, series, instances, frames of reference, what they refer to) to
    the one that was sent. `module` has the patient's attributes and those of the study as they were sent, text in
    Unicode; of each study the first file's.
    """

    uids: Mapping[str, str] = field(repr=False)
    module: Dataset = field(repr=False)

    def uid(self, stored: str) -> str:
        """The UID that was sent for a stored one; one that the product made is its own."""
        return self.uids.get(stored, stored)


def original_of(study: Study, *, actor: str = "system", purpose: str = "export") -> OriginalIdentity | None:
    """The original identity of a study; None where files are kept as they come, where the tenant keeps no way back, and
    after its data key was dropped.

    Call it in the tenant's scope and transaction; it writes the audit event `study.reidentified`. Raises
    `InternalError` for a crosswalk that was altered.
    """
    crosswalk: Crosswalk | None = Crosswalk.objects.for_tenant(study.tenant_id).filter(study=study).first()
    secret = datakeys.existing(study.tenant_id) if crosswalk else None
    if crosswalk is None or secret is None or secret.id != crosswalk.key_id:
        return None
    try:
        found = _opened(crosswalk, study, secret.derived(CROSSWALK))
    except Unopenable:
        raise InternalError("a crosswalk does not open: it was altered") from None
    subject = encode("std", study.id)
    audit.record("study.reidentified", tenant_id=study.tenant_id, actor=actor, subject=subject, purpose=purpose)
    return found


def _opened(crosswalk: Crosswalk, study: Study, key: bytes) -> OriginalIdentity:
    bound = key, study.tenant_id.hex, study.study_uid
    uids: dict[str, str] = {}
    entries = CrosswalkEntry.objects.for_tenant(study.tenant_id).filter(crosswalk=crosswalk)
    for sealed in entries.values_list("sealed", flat=True):
        uids |= unseal(*bound, bytes(sealed))["uids"]
    module = Dataset.from_json(unseal(*bound, bytes(crosswalk.sealed))["module"])
    module.SpecificCharacterSet = CHARACTER_SET
    return OriginalIdentity(uids, module)
