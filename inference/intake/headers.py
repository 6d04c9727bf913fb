"""From rows to what a plugin is told: the domain's `StudyHeader`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.intake.inspection import instance_header
from inference.intake.ordering import in_order
from inference.models import Instance, Series, Study


def study_header(study: Study) -> StudyHeader:
    """The header of a stored study; reads its series and instances, so it needs the tenant's context."""
    return study_headers([study])[study.pk]


def study_headers(studies: Sequence[Study]) -> dict[UUID, StudyHeader]:
    """The headers of several studies, by id, in two statements; of several tenants in the operator's scope."""
    tenants, ids = {study.tenant_id for study in studies}, [study.pk for study in studies]
    instances: defaultdict[UUID, list[InstanceHeader]] = defaultdict(list)
    for row in Instance.objects.for_tenants(tenants).filter(study__in=ids).order_by("sop_instance_uid"):
        instances[row.series_id].append(instance_header(str(row.id), row.sha256, row.header))
    series: defaultdict[UUID, list[SeriesHeader]] = defaultdict(list)
    for row in Series.objects.for_tenants(tenants).filter(study__in=ids).order_by("series_uid"):
        series[row.study_id].append(series_header(row, instances[row.id]))
    return {study.pk: _header(study, series[study.pk]) for study in studies}


def _header(study: Study, series: Sequence[SeriesHeader]) -> StudyHeader:
    return StudyHeader(
        id=str(study.id),
        kind="dicom" if study.kind == "dicom" else "image",
        study_uid=study.study_uid,
        modality=study.modality,
        body_part=study.body_part,
        series=tuple(series),
    )


def series_header(series: Series, instances: Sequence[InstanceHeader]) -> SeriesHeader:
    """One series with its instances in order."""
    return SeriesHeader(str(series.id), series.series_uid, series.modality, series.description, in_order(instances))
