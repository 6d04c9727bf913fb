"""Readings, advice and comparisons made by hand, so that every part of a report is seen."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from inference.domain.advice import Advice, Change, Comparison, Told
from inference.domain.reading import Addendum, ReadFinding, Reading, Signature
from inference.domain.report import Code, Contour, Finding, InstanceReference, Location, Site, Size
from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.plugins.base import Text
from inference.reporting.facts import Facts, ModelFacts, StudyFacts, wanted_shots

DAY = datetime(2026, 3, 14, 8, 5, tzinfo=UTC)
DISCLAIMER = Text(en="Not a medical device.", zh_hans="本产品不是医疗器械。")
TITLE = Text(en="Chest CT", zh_hans="胸部 CT")
RIGHT = Site("3341006", "SCT", "Right lung, upper zone", "R")
SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 26.0), (10.0, 26.0))


def instance(number: int, **header: Any) -> InstanceHeader:
    """A slice of a stack, 1.25 mm from the next one."""
    values: dict[str, Any] = {
        "id": f"i{number}", "media_type": "application/dicom", "sha256": f"{number:064d}", "rows": 64, "columns": 64,
        "sop_instance_uid": f"1.2.{number}", "modality": "CT", "pixel_spacing": (0.7, 0.7), "slice_thickness": 1.5,
        "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "position": (0.0, 0.0, 1.25 * number),
    }  # fmt: skip
    return InstanceHeader(**{**values, **header})


def stack(slices: int = 5, **header: Any) -> StudyHeader:
    instances = tuple(instance(number, **header) for number in range(slices))
    series = SeriesHeader("s1", "1.2.9", "CT", "Lung B60f", instances)
    return StudyHeader("st1", "dicom", "1.2.826.0.1", "CT", "CHEST", (series,))


def finding(
    slice_index: int = 2, *, site: Site | None = RIGHT, has_spacing: bool = True, score: float = 0.931
) -> Finding:
    size = Size(20.0, 16.0, 14.04, 11.16, 12.6, 123.44, 1048.2, "PixelSpacing")
    shown = InstanceReference(f"1.2.{slice_index}", 1, True, f"i{slice_index}")
    place = Location(
        site, (20.0, 18.0, float(slice_index)), (10.0, 10.0, 1.0, 31.0, 27.0, 4.0),
        (-105.84, 12.0, 287.5) if has_spacing else None, None, (shown,),
    )  # fmt: skip
    return Finding(
        "2.25.1", Code("27925004", "SCT", "Nodule", "nodule"), score, place,
        size if has_spacing else Size(20.0, 16.0), contours=(Contour(f"i{slice_index}", 1, SQUARE),),
    )  # fmt: skip


def read(number: int, found: Finding | None = None, **changes: Any) -> ReadFinding:
    found = found or finding()
    return ReadFinding(f"fnd_{number}", number, found, **{"machine": found, **changes})


def reviewed() -> Reading:
    """One finding of each status, signed, with an addendum."""
    smaller = replace(finding(), size=replace(finding().size, long_axis_mm=9.0, short_axis_mm=7.0))
    return Reading(
        findings=(
            read(1, status="accepted"),
            read(2, smaller, status="edited", machine=finding()),
            read(3, finding(3), status="rejected", reason="血管断面"),
            read(4, finding(4), status="added", machine=None),
        ),
        conclusion="右肺上叶实性结节,较前增大。\n建议三个月后复查。",
        signature=Signature("王敏", DAY),
        addenda=(Addendum("Dr. Adams", "Told the ward by telephone.", DAY),),
        revision=2,
    )


ADVICE = Advice(
    slug="follow-up",
    text=Told("CT in %(months)s months.", {"months": "3"}),
    because=(Told("no. %(number)s grew", {"number": "2"}),),
    guideline="Fleischner Society",
    version="2017",
    source="doi:10.1148/radiol.2017161659",
    findings=(2,),
)
COMPARISON = Comparison(
    prior_job="job_before",
    prior_taken_at=datetime(2025, 9, 15, tzinfo=UTC),
    days_between=180,
    changes=(
        Change(2, 1, "volume_mm3", 1048.2, 655.1, 60.0, 265.4),
        Change(4, None, "volume_mm3", 300.0),
        Change(None, 2, "mean_diameter_mm", None, 5.25),
    ),
    notes=(Told("Both studies were measured alike."),),
)


def facts(reading: Reading, study: StudyHeader | None = None, **changes: Any) -> Facts:
    """Facts without a database; `study=None` is a stack of five slices."""
    header = study or stack()
    shots = wanted_shots(header, reading, changes.get("predictions", ()))
    made = Facts(
        tenant_id=UUID(int=1),
        institution="St. Anna",
        job="job_now",
        finished_at=DAY,
        has_images=True,
        study=StudyFacts("CT thorax", DAY, None, header),
        model=ModelFacts("ct-lung-nodule", "1.0.0", "ab" * 32, True, TITLE, TITLE, ("Small nodules are missed.",)),
        disclaimer=asdict(DISCLAIMER),
        notes=("A remark.",),
        predictions=(),
        reading=reading,
        advice=(),
        comparison=None,
        shots=shots,
        sought=len(shots),
    )
    return replace(made, **changes)
