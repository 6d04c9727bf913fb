"""Pictures for people: previews of instances, and where the findings lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.intake import configured, storage
from inference.intake.pixels import preview_png
from inference.models import Finding, Instance, Result

MOST_PICTURES = 12


@dataclass(frozen=True, slots=True)
class Outline:
    """A finding on a picture, in source pixels: its number, its box and its contour as SVG points."""

    number: int
    x: float
    y: float
    width: float
    height: float
    points: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture with its findings. `width` and `height` are the source's, whatever the size of the preview."""

    instance: Instance
    width: int
    height: int
    outlines: tuple[Outline, ...]


def of_instance(row: Instance, *, frame: int = 1, max_edge: int) -> bytes:
    """An 8-bit PNG of one frame. Raises `UnreadableFile`."""
    blob = storage.source(row.tenant_id, row.sha256)
    return preview_png(configured.pool(), blob, frame=frame, max_edge=max_edge)


def drawn_of(result: Result) -> list[Drawn]:
    """The pictures worth showing with a result; at most twelve. Needs the tenant's scope.

    Those with findings first, then in the order in which the result tells of them.
    """
    if result.job.study_id is None:
        return []
    rows = Instance.objects.for_tenant(result.tenant_id).filter(study_id=result.job.study_id).order_by("id")
    findings = list(result.findings.order_by("position"))
    pictures = [drawn(row, findings) for row in rows]
    places = {str(one["item"]): place for place, one in enumerate(result.predictions or [])}
    pictures.sort(key=lambda picture: (not picture.outlines, places.get(str(picture.instance.id), len(places))))
    return pictures[:MOST_PICTURES]


def drawn(row: Instance, findings: Sequence[Finding]) -> Drawn:
    """One picture with the findings that lie on it."""
    outlines = [
        outline(number, finding, str(row.id))
        for number, finding in enumerate(findings, 1)
        if str(row.id) in instances_of(finding)
    ]
    return Drawn(row, row.header["columns"], row.header["rows"], tuple(outlines))


def instances_of(finding: Finding) -> set[str]:
    """The ids of the instances that show a finding."""
    return {str(one["instance_id"]) for one in finding.body["location"]["instances"]}


def outline(number: int, finding: Finding, instance_id: str) -> Outline:
    """Box and contour; a box in two dimensions has four numbers, in three six."""
    box = finding.body["location"]["bbox_px"]
    half = len(box) // 2
    contours = [one for one in finding.body.get("contours", []) if one["instance_id"] == instance_id]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in contours[0]["points"]) if contours else ""
    return Outline(number, box[0], box[1], box[half] - box[0], box[half + 1] - box[1], points)
