"""From the model's maps to the report: findings with place, type, size, outline and score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inference.domain.outlines import measure, spacing_of
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
)
from inference.domain.study import InstanceHeader
from inference.plugins.segmentation.identity import tracking_uid
from inference.plugins.segmentation.scoring import Scoring
from inference.plugins.xray_chest_nodule.lungs import LungZones, lung_zones
from inference.plugins.xray_chest_nodule.manifest import MANIFEST, MASS, NODULE
from inference.plugins.xray_chest_nodule.preprocess import Placement, Plane
from inference.plugins.xray_chest_nodule.regions import Region, find_regions

# Fleischner Society glossary (2008): a rounded opacity of up to 3 cm is a nodule, a larger one a mass
MASS_FROM_MM = 30.0
SIZE_UNKNOWN = Code("27925004", "SCT", "Opacity, nodule or mass (size in pixels only)", "opacity.nodule")
LUNGS = {"R": ("3341006", "Right lung"), "L": ("44029006", "Left lung")}
SIDES_NOTE = "Sides assume the usual display: the patient's right is on the left of the image."
SPACING_NOTE = (
    "Image %d: the header gives no pixel spacing, so sizes are in pixels and nodule and mass are not told apart."
)
IMAGER_NOTE = (
    "Image %d: sizes in mm are those on the receptor; the projection enlarges, so the lesion itself is smaller."
)


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
        tracking_uid=tracking_uid(MANIFEST, (header,), index),
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
