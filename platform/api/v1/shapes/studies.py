"""Studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, prefetch_related_objects

from api.errors import translated
from api.v1.shapes.values import Json, instant
from inference.intake.outcome import FileOutcome
from inference.models import Deidentification, Hold, Instance, Series, Study
from tenants.ids import encode


def listed(rows: list[Study]) -> list[Json]:
    """A page of studies without their files, which may be many thousands: each study tells its own."""
    found: dict[UUID, list[Series]] = defaultdict(list)
    if rows:
        prefetch_related_objects(rows, "hold", "deidentification", "legal_hold")
        series = Series.objects.for_tenant(rows[0].tenant_id).filter(study__in=rows)
        for one in series.annotate(count=Count("instances")).order_by("series_uid"):
            found[one.study_id].append(one)
    return [shown(row, found[row.pk], None) for row in rows]


def study(row: Study, outcomes: Iterable[FileOutcome] | None = None) -> Json:
    """One study. `files` is what became of the upload just made, else the stored instances."""
    series = Series.objects.for_tenant(row.tenant_id).filter(study=row).annotate(count=Count("instances"))
    files = stored_files(row) if outcomes is None else [file_outcome(outcome) for outcome in outcomes]
    return shown(row, series.order_by("series_uid"), files)


def shown(row: Study, series: Iterable[Any], files: list[Json] | None) -> Json:
    return {
        "id": encode("std", row.id),
        "object": "study",
        "kind": row.kind,
        "modality": row.modality,
        "body_part": row.body_part,
        "study_uid": row.study_uid,
        "description": row.description,
        "series": [
            {
                "id": encode("ser", one.id),
                "modality": one.modality,
                "description": one.description,
                "instances": one.count,
            }
            for one in series
        ],
        "files": files,
        "metadata": row.metadata,
        "deidentification": deidentification(getattr(row, "deidentification", None)),
        "held": held(getattr(row, "hold", None)),
        "legal_hold": getattr(row, "legal_hold", None) is not None,
        "created_at": instant(row.created_at),
    }


def deidentification(report: Deidentification | None) -> Json | None:
    """What was done to the study's files, by attribute; no value of one. Null where they are kept as they came."""
    if report is None:
        return None
    return {
        "mode": report.mode,
        "profile": report.profile,
        "files": report.files,
        "attributes": [
            {"attribute": keyword, "action": action, "count": count}
            for action, counted in sorted(report.counts.items())
            for keyword, count in sorted(counted.items())
        ],
        "private_attributes": report.private,
        "unknown_attributes": report.unknown,
    }


def held(hold: Hold | None) -> Json | None:
    """Why the study waits for a person, and since when; null where it does not."""
    if hold is None or hold.released_at is not None:
        return None
    return {"signs": hold.signs, "since": instant(hold.held_at)}


def stored_files(row: Study) -> list[Json]:
    """The instances of a study; the customer's names of files are not kept, for they may name a patient."""
    rows: QuerySet[Instance] = Instance.objects.for_tenant(row.tenant_id).filter(study=row).order_by("id")
    return [{"name": encode("ins", one.id), "status": "stored", "sha256": one.sha256} for one in rows]


def file_outcome(outcome: FileOutcome) -> Json:
    """What became of one file of an upload."""
    told: Json = {"name": outcome.name, "status": outcome.status}
    if outcome.error is None:
        return {**told, "sha256": outcome.sha256}
    return {**told, "code": outcome.code, "detail": translated(outcome.error)}
