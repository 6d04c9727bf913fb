"""Everything that a report tells of, read within the tenant's scope; what comes after needs no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from inference.advice import advice_of
from inference.comparison import comparison_of
from inference.domain.advice import Advice, Comparison
from inference.domain.reading import Reading
from inference.domain.study import StudyHeader
from inference.intake.headers import study_header
from inference.models import ModelVersion, Result, Study
from inference.plugins import registry as plugins
from inference.plugins.base import Text
from inference.reading import reading_of
from inference.reporting.key_images import MOST, Shot, plain_shots, shot_of, shots_of
from tenants.ids import encode

FEW = 4


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the product keeps of the examination; nothing of it names the patient."""

    description: str
    received_at: datetime
    taken_at: datetime | None
    header: StudyHeader


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model spoke. `title` and `intended_use` are None where the plugin is no longer installed."""

    plugin: str
    version: str
    weights_sha256: str
    medical: bool
    title: Text | None
    intended_use: Text | None
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """A result with all that people and rules have added. `shots` are the pictures to draw, of `sought` that there are.

    `has_images` says that the job was about images; without a `study` they were deleted since.
    """

    tenant_id: UUID
    institution: str
    job: str
    finished_at: datetime
    has_images: bool
    study: StudyFacts | None
    model: ModelFacts
    disclaimer: Mapping[str, str]
    notes: tuple[str, ...]
    predictions: tuple[Mapping[str, Any], ...]
    reading: Reading
    advice: tuple[Advice, ...]
    comparison: Comparison | None
    shots: tuple[Shot, ...]
    sought: int


def facts_of(result: Result, as_read: Reading | None = None) -> Facts:
    """The facts of one result, as it stands or as it was read. Needs the tenant's scope."""
    reading = as_read or reading_of(result)
    study = study_facts(result.job.study) if result.job.study else None
    predictions = tuple(result.predictions or ())
    shots = wanted_shots(study.header if study else None, reading, predictions)
    return Facts(
        tenant_id=result.tenant_id,
        institution=result.tenant.name,
        job=encode("job", result.job_id),
        finished_at=result.created_at,
        has_images=result.job.inline is None,
        study=study,
        model=model_facts(result.model),
        disclaimer=result.disclaimer,
        notes=tuple(result.notes),
        predictions=predictions,
        reading=reading,
        advice=advice_of(result, reading),
        comparison=comparison_of(result, reading),
        shots=shots[:MOST],
        sought=len(shots),
    )


def study_facts(study: Study) -> StudyFacts:
    header = study_header(study)
    told = next((one.study_description for one in header.instances if one.study_description), "")
    return StudyFacts(study.description or told, study.created_at, study.taken_at, header)


def model_facts(model: Mapping[str, str]) -> ModelFacts:
    """The model that the result names, with the limits of its card."""
    named = {"plugin": model["plugin"], "version": model["version"], "weights_sha256": model["weights_sha256"]}
    row = ModelVersion.objects.filter(**named).first()
    plugin = plugins.installed().get(model["plugin"])
    manifest = plugin.manifest if plugin else None
    return ModelFacts(
        **named,
        medical=bool(manifest and manifest.medical),
        title=manifest.title if manifest else None,
        intended_use=manifest.intended_use if manifest else None,
        limits=tuple(row.card.get("limits", ())) if row else (),
    )


def wanted_shots(
    study: StudyHeader | None, reading: Reading, predictions: tuple[Mapping[str, Any], ...]
) -> tuple[Shot, ...]:
    """Key images where there are findings, else the labelled items, else the frames of a study of a few."""
    return shots_of(study, reading) or item_shots(study, predictions) or plain_shots(study, FEW)


def item_shots(study: StudyHeader | None, predictions: tuple[Mapping[str, Any], ...]) -> tuple[Shot, ...]:
    """The images that labels were given to, in the order of the labels and numbered by it."""
    if study is None:
        return ()
    places = {one.id: (series, index) for series in study.series for index, one in enumerate(series.instances)}
    found = ((number, places.get(str(one["item"]))) for number, one in enumerate(predictions, start=1))
    shots = ((number, shot_of(*place, 1, (), ())) for number, place in found if place)
    return tuple(replace(shot, number=number, count=len(predictions), is_stack=False) for number, shot in shots)
