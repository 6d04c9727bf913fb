"""From the model's maps to the report: findings with place, type, size, outline and score."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.domain.report import (
    Code,
    Contour,
    Finding,
    InstanceReference,
    Location,
    Report,
    ResultStatus,
    Site,
    Size,
    SpacingSource,
)
from inference.domain.study import InstanceHeader, Vector2
from inference.plugins.xray_chest_nodule.lungs import LungZones, lung_zones
from inference.plugins.xray_chest_nodule.manifest import MANIFEST
from inference.plugins.xray_chest_nodule.outlines import Points, Region, extent, find_regions
from inference.plugins.xray_chest_nodule.preprocess import Placement, Plane

# Fleischner Society glossary (2008): a rounded opacity of up to 3 cm is a nodule, a larger one a mass
MASS_FROM_MM = 30.0
NODULE = Code("27925004", "SCT", "Nodule", "opacity.nodule")
MASS = Code("4147007", "SCT", "Mass", "opacity.mass")
SIZE_UNKNOWN = Code("27925004", "SCT", "Opacity, nodule or mass (size in pixels only)", "opacity.nodule")
LUNGS = {"R": ("3341006", "Right lung"), "L": ("44029006", "Left lung")}
SIDES_NOTE = "Sides assume the usual display: the patient's right is on the left of the image."
SPACING_NOTE = (
    "Image %d: the header gives no pixel spacing, so sizes are in pixels and nodule and mass are not told apart."
)
IMAGER_NOTE = (
    "Image %d: sizes in mm are those on the receptor; the projection enlarges, so the lesion itself is smaller."
)
LEAST_SPACING = 1e-6


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a peak probability becomes a score, and the score from which a region is reported."""

    slope: float
    offset: float
    threshold: float

    def score(self, peak: float) -> float:
        """Calibrated probability (Platt) that a region with this peak is an opacity."""
        share = min(max(peak, 1e-6), 1 - 1e-6)
        logit = np.log(share / (1 - share))
        return float(1 / (1 + np.exp(-(self.slope * logit + self.offset))))


@dataclass(frozen=True, slots=True)
class FilmMaps:
    """One analysed film: its number in the study, header, placement in the field, and maps of opacity and lung."""

    number: int
    header: InstanceHeader
    placement: Placement
    opacity: Plane
    lung: Plane


def build_report(films: Sequence[FilmMaps], scoring: Scoring, remarks: Sequence[str]) -> Report:
    """The report over all films of a job; `remarks` are sentences about images that were left out."""
    findings = tuple(finding for film in films for finding in film_findings(film, scoring))
    notes = [*remarks, *size_notes(films, findings)]
    if any(finding.location.site for finding in findings):
        notes.append(SIDES_NOTE)
    status: ResultStatus = "findings" if findings else "no_findings"
    return Report(status=status, findings=findings, notes=tuple(notes), measures={"films": float(len(films))})


def film_findings(film: FilmMaps, scoring: Scoring) -> Iterator[Finding]:
    """The regions of one film whose score reaches the threshold, most certain first."""
    zones = lung_zones(film.lung)
    for index, region in enumerate(find_regions(film.opacity, film.placement)):
        score = scoring.score(region.peak)
        if score >= scoring.threshold:
            yield as_finding(film, region, score, index, zones)


def as_finding(film: FilmMaps, region: Region, score: float, index: int, zones: LungZones | None) -> Finding:
    header, size = film.header, measure(region.outline, film.header)
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in region.outline)
    reference = InstanceReference(header.sop_instance_uid, frame=1, best=True, instance_id=header.id)
    place = Location(
        site=site_of(zones, region),
        centroid_px=(round(region.centroid[0], 2), round(region.centroid[1], 2)),
        bbox_px=region.bbox,
        instances=(reference,),
    )
    return Finding(
        tracking_uid=tracking_uid(header, index),
        type=type_of(size),
        score=score,
        location=place,
        size=size,
        truncated=region.truncated,
        contours=(Contour(header.id, 1, points),),
    )


def site_of(zones: LungZones | None, region: Region) -> Site | None:
    """Lung and zone of a region; `None` where the lungs were not found well enough to tell."""
    if zones is None:
        return None
    laterality, zone = zones.locate(*region.field_centre)
    code, display = LUNGS[laterality]
    return Site(code, "SCT", f"{display}, {zone} zone", laterality)


def measure(outline: Points, header: InstanceHeader) -> Size:
    """Axes and area of an outline; in mm only where the header gives a spacing that can be."""
    pixels = extent(outline)
    spacing, source = spacing_of(header)
    if spacing is None:
        return Size(round(pixels.long, 2), round(pixels.short, 2), spacing_source="none")
    # DICOM gives the distance between rows first, points are x and y
    real = extent(outline * np.array([spacing[1], spacing[0]]))
    return Size(
        round(pixels.long, 2),
        round(pixels.short, 2),
        long_axis_mm=round(real.long, 2),
        short_axis_mm=round(real.short, 2),
        mean_diameter_mm=round((real.long + real.short) / 2, 2),
        area_mm2=round(real.area, 2),
        spacing_source=source,
    )


def spacing_of(header: InstanceHeader) -> tuple[Vector2 | None, SpacingSource]:
    """Millimetres between rows and between columns, and the attribute that says so."""
    candidates: tuple[tuple[Vector2 | None, SpacingSource], ...] = (
        (header.pixel_spacing, "PixelSpacing"),
        (header.imager_pixel_spacing, "ImagerPixelSpacing"),
    )
    usable = (pair for pair in candidates if pair[0] is not None and min(pair[0]) > LEAST_SPACING)
    return next(usable, (None, "none"))


def type_of(size: Size) -> Code:
    """Nodule or mass by the mean diameter; without a spacing the two can not be told apart."""
    if size.mean_diameter_mm is None:
        return SIZE_UNKNOWN
    return MASS if size.mean_diameter_mm >= MASS_FROM_MM else NODULE


def size_notes(films: Sequence[FilmMaps], findings: Sequence[Finding]) -> Iterator[str]:
    """What the reader must know about the sizes, one sentence per film with findings."""
    marked = {contour.instance_id for finding in findings for contour in finding.contours}
    notes = {"none": SPACING_NOTE, "ImagerPixelSpacing": IMAGER_NOTE}
    for film in films:
        _, source = spacing_of(film.header)
        if film.header.id in marked and source in notes:
            yield notes[source] % film.number


def tracking_uid(header: InstanceHeader, index: int) -> str:
    """The same UID for the same region of the same image and plugin version, whoever runs it (DICOM PS3.5 B.2)."""
    image = header.sop_instance_uid or header.sha256
    name = f"{MANIFEST.slug}/{MANIFEST.version}/{image}/{index}"
    return f"2.25.{uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4).int}"
