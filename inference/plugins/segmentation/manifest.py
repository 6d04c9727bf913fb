"""What the analyses of one series of slices declare alike: input, report, unit, resources, artefacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.domain.report import Code
from inference.plugins.base import EMPTY_SCHEMA, Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.plugins.segmentation.scans import GOLDEN_FILE, MODEL_FILE, THRESHOLDS_FILE
from inference.plugins.segmentation.schema import report_schema
from inference.training.card import CARD_FILE

DISCLAIMER = Text(
    en="Not a medical device, not for clinical use. A radiologist must read every image.",
    zh_hans="本产品不是医疗器械,不得用于临床。每张影像都必须由放射科医师判读。",
)


def series_manifest(
    slug: str,
    version: str,
    title: Text,
    description: Text,
    intended_use: Text,
    modality: str,
    largest_series: int,
    types: Sequence[Code],
    score: str,
    params_schema: Mapping[str, Any] = EMPTY_SCHEMA,
) -> Manifest:
    """The manifest of an analysis that reads one series of up to `largest_series` images of one modality.

    `types` are those of findings; `score` says in one sentence what their score is.
    """
    return Manifest(
        slug=slug,
        version=version,
        title=title,
        description=description,
        intended_use=intended_use,
        disclaimer=DISCLAIMER,
        inputs=(InputPort("series", "dicom_series", ("application/dicom",), (modality,), max_items=largest_series),),
        output_schema=report_schema([one.slug for one in types], 3, ("PixelSpacing",), score),
        params_schema=params_schema,
        unit="series",
        medical=True,
        resources=Resources(memory_mb=2048, deadline_seconds=300),
        batching=Batching(max_items=1),
        artefacts=tuple(Artefact(name) for name in (MODEL_FILE, THRESHOLDS_FILE, GOLDEN_FILE, CARD_FILE)),
        finding_types=tuple(types),
    )
