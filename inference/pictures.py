"""Pictures for people: previews of instances, and where the findings lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.domain.reading import ReadFinding, Reading
from inference.domain.report import Finding
from inference.intake import configured, storage
from inference.intake.pixels import preview_png
from inference.models import Instance, Result

MOST_PICTURES = 12


@dataclass(frozen=True, slots=True)
class Outline:
    """A finding on a picture, in source pixels: its number, box, contour as SVG points, and what became of it."""

    number: int
    x: float
    y: float
    width: float
    height: float
    points: str
    status: str = "unreviewed"


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


def drawn_of(result: Result, reading: Reading) -> list[Drawn]:
    """The pictures worth showing with a result; at most twelve. Needs the tenant's scope.

    First where each finding is seen best, then what else shows findings, then in the order in which the result tells of
    them: of a series only a few of many slices can be shown.
    """
    if result.job.study_id is None:
        return []
    rows = Instance.objects.for_tenant(result.tenant_id).filter(study_id=result.job.study_id).order_by("id")
    pictures = [drawn(row, reading.findings) for row in rows]
    places = {str(one["item"]): place for place, one in enumerate(result.predictions or [])}
    best = seen_best(reading.findings)

    def rank(picture: Drawn) -> tuple[bool, int, int]:
        name = str(picture.instance.id)
        return not picture.outlines, best.get(name, len(reading.findings) + 1), places.get(name, len(places))

    pictures.sort(key=rank)
    return pictures[:MOST_PICTURES]


def drawn(row: Instance, findings: Sequence[ReadFinding]) -> Drawn:
    """One picture with the findings that lie on it, the rejected ones too."""
    outlines = [outline(one, str(row.id)) for one in findings if str(row.id) in instances_of(one.finding)]
    return Drawn(row, row.header["columns"], row.header["rows"], tuple(outlines))


def seen_best(findings: Sequence[ReadFinding]) -> dict[str, int]:
    """The images to look at first, each with the number of the first finding that it is for."""
    return {
        reference.instance_id: one.number
        for one in reversed(findings)
        for reference in one.finding.location.instances
        if reference.best
    }


def instances_of(finding: Finding) -> set[str]:
    """The ids of the instances that show a finding."""
    return {one.instance_id for one in finding.location.instances}


def outline(one: ReadFinding, instance_id: str) -> Outline:
    """Box and contour; a box in two dimensions has four numbers, in three six."""
    box = one.finding.location.bbox_px
    half = len(box) // 2
    contours = [each for each in one.finding.contours if each.instance_id == instance_id]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in contours[0].points) if contours else ""
    return Outline(one.number, box[0], box[1], box[half] - box[0], box[half + 1] - box[1], points, one.status)
