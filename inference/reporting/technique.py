"""How the images were taken, one row a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from django.utils.translation import gettext as _

from inference.domain.outlines import spacing_of
from inference.domain.reading import Reading
from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.intake.ordering import slice_positions
from inference.reporting import figures

MOST = 8
APART_MM = 1e-3


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series: lengths in mm as texts, empty where the header is silent."""

    name: str
    images: int
    matrix: str
    spacing: str
    source: str
    distance: str
    thickness: str
    is_marked: bool


def series_rows(study: StudyHeader, reading: Reading) -> tuple[SeriesRow, ...]:
    """At most eight series, those with findings first, then the longest."""
    marked = {
        name
        for one in reading.standing
        for reference in one.finding.location.instances
        for name in (reference.instance_id, reference.sop_instance_uid)
        if name
    }
    filled = [one for one in study.series if one.instances]
    flagged = [(shows(series, marked), series) for series in filled]
    flagged.sort(key=lambda pair: (not pair[0], -len(pair[1].instances)))
    return tuple(series_row(series, is_marked) for is_marked, series in flagged[:MOST])


def shows(series: SeriesHeader, marked: set[str]) -> bool:
    return any(one.id in marked or one.sop_instance_uid in marked for one in series.instances)


def series_row(series: SeriesHeader, is_marked: bool) -> SeriesRow:
    first = series.instances[0]
    spacing, source = spacing_of(first)
    name = " ".join(filter(None, (series.modality, first.view_position, series.description)))
    return SeriesRow(
        name=name or _("Images"),
        images=sum(one.frames for one in series.instances),
        matrix=f"{first.columns} × {first.rows}",
        spacing=f"{figures.number(spacing[0], 2)} × {figures.number(spacing[1], 2)} mm" if spacing else "",
        source=_(figures.SOURCES[source]),
        distance=distance_of(series.instances),
        thickness=f"{figures.number(first.slice_thickness, 2)} mm" if first.slice_thickness else "",
        is_marked=is_marked,
    )


def distance_of(instances: Sequence[InstanceHeader]) -> str:
    """The middle distance of neighbouring slices, where they are a stack."""
    places = sorted(slice_positions(instances) or ())
    steps = [after - before for before, after in pairwise(places) if after - before > APART_MM]
    return f"{figures.number(median(steps), 2)} mm" if steps else ""
