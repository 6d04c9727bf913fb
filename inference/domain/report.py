"""What an analysis found: findings with place, type and size, or predictions. Pure data, no framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from inference.domain.study import Vector3

SpacingSource = Literal["PixelSpacing", "ImagerPixelSpacing", "user", "none"]
ResultStatus = Literal["findings", "no_findings", "predictions"]


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept. `slug` is ours and stable, `code` and `scheme` are a terminology's (SCT is SNOMED CT)."""

    code: str
    scheme: str
    display: str
    slug: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Where in the body. `laterality` is R, L, B or empty where it does not apply."""

    code: str
    scheme: str
    display: str
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class InstanceReference:
    """An image that shows the finding; `best` marks the one to look at first. `frame` counts from 1."""

    sop_instance_uid: str
    frame: int = 1
    best: bool = False
    instance_id: str = ""


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed outline on one image, in source pixels; (0, 0) is the centre of the first pixel, x is the column."""

    instance_id: str
    frame: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Location:
    """Place in pixels always, in mm (LPS) when the header gives geometry. Boxes are half-open. 2-D leaves z out."""

    site: Site | None
    centroid_px: tuple[float, ...]
    bbox_px: tuple[float, ...]
    centroid_mm: Vector3 | None = None
    bbox_mm: tuple[float, ...] | None = None
    instances: tuple[InstanceReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """Extent in pixels always; in mm, mm2 and mm3 only where the spacing is known."""

    long_axis_px: float
    short_axis_px: float
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    mean_diameter_mm: float | None = None
    area_mm2: float | None = None
    volume_mm3: float | None = None
    spacing_source: SpacingSource = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One lesion. `score` is a calibrated probability in 0..1; `tracking_uid` stays the same in every output."""

    tracking_uid: str
    type: Code
    score: float
    location: Location
    size: Size
    truncated: bool = False
    contours: tuple[Contour, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """One class with its probability."""

    code: str
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The labels of one item (an image, a text), most probable first."""

    item: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one job. `notes` are sentences for the reader, English, one fact each."""

    status: ResultStatus
    findings: tuple[Finding, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    notes: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
