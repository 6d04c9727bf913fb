"""The rows of findings and of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from inference.domain.reading import ReadFinding, Reading
from inference.domain.study import StudyHeader
from inference.reporting import figures
from inference.reporting.key_images import best_reference, is_slice

STATUSES = {
    "unreviewed": gettext_noop("not reviewed"),
    "accepted": gettext_noop("accepted"),
    "edited": gettext_noop("edited"),
    "rejected": gettext_noop("rejected"),
    "added": gettext_noop("added by the physician"),
}


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding; `score` is empty for one that a person added."""

    number: int
    type: str
    site: str
    axes: str
    extents: tuple[str, ...]
    score: str
    position: str
    image: str
    status: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """The labels of one item, the most probable first."""

    number: int
    best: str
    probability: str
    others: str


def finding_rows(reading: Reading, study: StudyHeader | None) -> tuple[FindingRow, ...]:
    """The findings that stand, in the order of their numbers."""
    slices = slices_of(study)
    return tuple(finding_row(one, slices) for one in reading.standing)


def slices_of(study: StudyHeader | None) -> dict[str, str]:
    """Which image of its series each one is, by its id and by its UID."""
    found: dict[str, str] = {}
    for series in study.series if study else ():
        for number, one in enumerate(series.instances, start=1):
            found[one.id] = figures.order(number, len(series.instances), is_slice(one))
            if one.sop_instance_uid:
                found[one.sop_instance_uid] = found[one.id]
    return found


def finding_row(one: ReadFinding, slices: Mapping[str, str]) -> FindingRow:
    finding, place = one.finding, one.finding.location
    position = figures.position(place.centroid_mm, "mm") if place.centroid_mm else ""
    return FindingRow(
        number=one.number,
        type=_(finding.type.display),
        site=figures.site(place.site),
        axes=figures.axes(finding.size),
        extents=figures.extents(finding.size),
        score="" if one.status == "added" else figures.number(finding.score, 2),
        position=position or figures.position(place.centroid_px[:2], "px"),
        image=image_of(one, slices),
        status=_(STATUSES[one.status]),
        remarks=tuple(remarks_on(one)),
    )


def image_of(one: ReadFinding, slices: Mapping[str, str]) -> str:
    """The image to look at first: `slice 57 of 120`."""
    best = best_reference(one.finding.location.instances)
    if best is None:
        return ""
    return slices.get(best.instance_id) or slices.get(best.sop_instance_uid) or ""


def remarks_on(one: ReadFinding) -> list[str]:
    """What makes a size unsure."""
    unknown = [_("no pixel spacing in the header")] if one.finding.size.long_axis_mm is None else []
    cut = [_("cut off at the border of the image")] if one.finding.truncated else []
    return [*unknown, *cut]


def prediction_rows(predictions: Sequence[Mapping[str, Any]]) -> tuple[PredictionRow, ...]:
    labelled = [(number, one["labels"]) for number, one in enumerate(predictions, start=1) if one["labels"]]
    return tuple(prediction_row(number, labels) for number, labels in labelled)


def prediction_row(number: int, labels: Sequence[Mapping[str, Any]]) -> PredictionRow:
    others = [f"{name_of(label)} {figures.number(label['probability'], 3)}" for label in labels[1:3]]
    return PredictionRow(number, name_of(labels[0]), figures.number(labels[0]["probability"], 3), ", ".join(others))


def name_of(label: Mapping[str, Any]) -> str:
    name = _(label["name"]) if label["name"] else ""
    return f"{label['code']} {name}".strip()
