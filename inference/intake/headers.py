"""From rows to what a plugin is told: the domain's `StudyHeader`."""

from __future__ import annotations

from collections.abc import Sequence

from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.intake.inspection import instance_header
from inference.intake.ordering import in_order
from inference.models import Instance, Series, Study


def study_header(study: Study) -> StudyHeader:
    """The header of a stored study; reads its series and instances, so it needs the tenant's context."""
    instances: dict[object, list[InstanceHeader]] = {}
    for row in Instance.objects.for_tenant(study.tenant_id).filter(study=study).order_by("sop_instance_uid"):
        instances.setdefault(row.series_id, []).append(instance_header(str(row.id), row.sha256, row.header))
    rows = Series.objects.for_tenant(study.tenant_id).filter(study=study).order_by("series_uid")
    return StudyHeader(
        id=str(study.id),
        kind="dicom" if study.kind == "dicom" else "image",
        study_uid=study.study_uid,
        modality=study.modality,
        body_part=study.body_part,
        series=tuple(series_header(row, instances.get(row.id, [])) for row in rows),
    )


def series_header(series: Series, instances: Sequence[InstanceHeader]) -> SeriesHeader:
    """One series with its instances in order."""
    return SeriesHeader(str(series.id), series.series_uid, series.modality, series.description, in_order(instances))
