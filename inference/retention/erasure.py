"""Erasure on a patient's request: all studies of one patient, found by the keyed pseudonym of the id."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from inference import studies
from inference.domain.errors import UserError
from inference.intake.patients import patient_key
from inference.intake.whose import digest_of
from inference.models import Study
from inference.retention import certificates
from tenants.ids import encode
from tenants.models import AuditEvent

RULE = "patient"


@dataclass(frozen=True, slots=True)
class Erased:
    """The certificates of what went, and the public ids of what could not, each with the code of the reason."""

    certificates: tuple[AuditEvent, ...]
    kept: tuple[tuple[str, str], ...]


def erase_patient(tenant_id: UUID, patient_id: str, issuer: str, *, actor: str) -> Erased:
    """Delete every study whose files named the patient; call it in the tenant's scope.

    A study that a job still needs or that is under a legal hold is kept and told. Studies that were anonymised can not
    be found: nothing in them leads to a patient. The id is used for the search only and written nowhere.
    """
    key = patient_key(tenant_id, digest_of(patient_id.strip(" \0"), issuer.strip(" \0")))
    done: list[AuditEvent] = []
    kept: list[tuple[str, str]] = []
    for study in Study.objects.for_tenant(tenant_id).filter(patient_key=key).exclude(patient_key=""):
        identity = encode("std", study.id)
        try:
            studies.delete(study, actor=actor, rule=RULE)
        except UserError as error:
            kept.append((identity, error.code))
        else:
            event = certificates.of_subject(tenant_id, identity)
            done += [event] if event else []
    return Erased(tuple(done), tuple(kept))
