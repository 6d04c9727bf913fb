"""Study, Series and Instance rows of one group of files; the unique constraints decide between parallel uploads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from inference.deidentification import records
from inference.deidentification.instruction import Instruction
from inference.deidentification.records import Stored
from inference.domain.errors import InternalError
from inference.intake.codes import refusal
from inference.intake.group import Group, content_uid, study_uid
from inference.intake.inspection import Inspection
from inference.intake.patients import patient_key
from inference.intake.spool import Arrival
from inference.models import Instance, PrivacyRule, Series, Study
from tenants.context import tenant_context
from tenants.models import Tenant

# a parallel upload can win once for the study, once for a series and once for an instance
TRIES = 4
DESCRIPTION_CHARS = 200


def mark_conflicts(tenant: Tenant, arrivals: Sequence[Arrival]) -> None:
    """Set `error` on DICOM files whose UID is stored with other bytes. Needs the tenant's context.

    Loose images have no such UID: theirs follows from their content.
    """
    films = [arrival for arrival in arrivals if study_uid(arrival)]
    known = stored_digests(tenant, [own_sop_uid(arrival) for arrival in films])
    for arrival in films:
        if known.get(own_sop_uid(arrival), arrival.sha256) != arrival.sha256:
            arrival.error = refusal("uid_conflict")


def mark_known(tenant: Tenant, group: Group) -> None:
    """Mark files that are stored already; set `error` where other bytes are stored under the same UID.

    Files of the request are held against each other too: the first of two wins. Needs the tenant's context.
    """
    uids = [sop_uid(group, arrival) for arrival in group.arrivals]
    known = stored_digests(tenant, uids)
    for arrival, uid in zip(group.arrivals, uids, strict=True):
        arrival.is_known = known.get(uid) == arrival.sha256
        if known.setdefault(uid, arrival.sha256) != arrival.sha256:
            arrival.error = refusal("uid_conflict")


def stored_digests(tenant: Tenant, uids: Sequence[str]) -> dict[str, str]:
    """The digest of each of `uids` that is stored."""
    stored = Instance.objects.for_tenant(tenant).filter(sop_instance_uid__in=uids)
    return dict(stored.values_list("sop_instance_uid", "sha256"))


@dataclass(frozen=True, slots=True)
class Privacy:
    """The tenant's rule and what the children were told of it."""

    rule: PrivacyRule
    instruction: Instruction | None


def write_rows(tenant: Tenant, group: Group, description: str, metadata: Mapping[str, Any], privacy: Privacy) -> Study:
    """Write what is not there yet and return the study, in one transaction; again when a parallel upload was first."""
    for _ in range(TRIES):
        try:
            with tenant_context(tenant.id):
                lock_blobs(tenant.id)
                mark_known(tenant, group)
                study = write_study(tenant, group, description, metadata)
                stored = write_instances(tenant, group, study)
                records.write(study, privacy.rule, privacy.instruction, stored)
                return study
        except IntegrityError:
            continue
    raise InternalError("parallel uploads of one study kept colliding")


def lock_blobs(tenant_id: UUID) -> None:
    """From here to the end of the transaction no other one decides about the tenant's stored bytes."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)


def write_study(tenant: Tenant, group: Group, description: str, metadata: Mapping[str, Any]) -> Study:
    """The study's row; a description or metadata that is given replaces what an earlier upload gave."""
    study: Study
    study, is_new = Study.objects.for_tenant(tenant).get_or_create(
        tenant=tenant,
        study_uid=group.study_uid,
        defaults={
            "kind": group.kind,
            "modality": first_of(group, "modality", 16),
            "body_part": first_of(group, "body_part", 16),
            "description": description,
            "metadata": dict(metadata),
            "patient_key": key_of(tenant.id, group),
            "taken_at": taken_at(group),
        },
    )
    if not is_new and (description or metadata):
        study.description = description or study.description
        study.metadata = dict(metadata) or study.metadata
        study.save(update_fields=["description", "metadata"])
    return study


def key_of(tenant_id: UUID, group: Group) -> str:
    """The pseudonym of the group's patient; empty where its files name none, or two."""
    digests = {inspection_of(arrival).patient for arrival in group.arrivals} - {""}
    return patient_key(tenant_id, digests.pop()) if len(digests) == 1 else ""


def taken_at(group: Group) -> datetime | None:
    """The earliest moment that a file of the group gives for the study."""
    given = (inspection_of(arrival).taken_at for arrival in group.arrivals)
    return min((one for one in given if one is not None), default=None)


def write_instances(tenant: Tenant, group: Group, study: Study) -> list[Stored]:
    """One row per new file, and the series that they need; each row with the inspection of its file."""
    new = [arrival for arrival in group.arrivals if arrival.is_good and not arrival.is_known]
    series = write_series(tenant, study, new)
    rows = [
        instance_row(group, study, series[inspection_of(arrival).series_uid], arrival, number)
        for number, arrival in enumerate(new, start=1)
    ]
    Instance.objects.bulk_create(rows, batch_size=500)
    return [(row, inspection_of(arrival)) for row, arrival in zip(rows, new, strict=True)]


def write_series(tenant: Tenant, study: Study, arrivals: Sequence[Arrival]) -> dict[str, Series]:
    """The series of `arrivals` by UID, made where missing; loose images share one with an empty UID."""
    found: dict[str, Series] = {}
    for arrival in arrivals:
        inspection = inspection_of(arrival)
        if inspection.series_uid not in found:
            found[inspection.series_uid], _ = Series.objects.for_tenant(tenant).get_or_create(
                tenant=tenant,
                study=study,
                series_uid=inspection.series_uid,
                defaults={
                    "modality": inspection.header.get("modality", "")[:16],
                    "description": inspection.header.get("series_description", "")[:64],
                },
            )
    return found


def instance_row(group: Group, study: Study, series: Series, arrival: Arrival, number: int) -> Instance:
    """The row of one file, not saved yet. Loose images are numbered as they came."""
    header = dict(inspection_of(arrival).header)
    if group.kind == "image":
        header |= {"sop_instance_uid": sop_uid(group, arrival), "instance_number": number}
    return Instance(
        tenant_id=study.tenant_id,
        study=study,
        series=series,
        sop_instance_uid=header["sop_instance_uid"],
        instance_number=header.get("instance_number"),
        media_type=header["media_type"],
        sha256=arrival.sha256,
        size_bytes=arrival.size,
        header=header,
    )


def sop_uid(group: Group, arrival: Arrival) -> str:
    """The SOP Instance UID of the file, for loose images one that follows from study and content."""
    if group.kind == "image":
        return content_uid(f"{group.study_uid} {arrival.sha256}")
    return own_sop_uid(arrival)


def own_sop_uid(arrival: Arrival) -> str:
    """The SOP Instance UID that a DICOM file gives itself."""
    return str(inspection_of(arrival).header["sop_instance_uid"])


def first_of(group: Group, name: str, cap: int) -> str:
    """The first text that a header of the group gives for `name`."""
    values = (str(inspection_of(arrival).header.get(name, "")) for arrival in group.arrivals)
    return next((value[:cap] for value in values if value), "")


def inspection_of(arrival: Arrival) -> Inspection:
    """The inspection of a good file, which always has one."""
    if arrival.inspection is None:
        raise InternalError("a file without inspection was taken")
    return arrival.inspection
