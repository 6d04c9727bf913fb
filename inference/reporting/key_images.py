"""Key images: the best slice of each finding with the findings outlined and numbered.

What is to be drawn is read within the tenant's scope (`shots_of`); decoding and drawing come after it (`key_image`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray
from PIL import Image

from inference.domain.errors import InternalError, UnreadableFile
from inference.domain.outlines import spacing_of
from inference.domain.reading import ReadFinding, Reading
from inference.domain.report import InstanceReference
from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader, Vector2
from inference.intake import configured, storage
from inference.intake.headers import study_header
from inference.intake.pixels import rendered_frame
from inference.models import Result
from inference.reporting.drawing import (
    Canvas,
    Mark,
    as_png,
    canvas_of,
    draw_bar,
    draw_marks,
    picture_of,
    with_strip,
)
from tenants.context import tenant_context

EDGE, LEAST_EDGE = 1000, 240
ENLARGED = 8
MOST = 12
LABEL = "AI result, not for diagnostic use"
# sizes on the receptor of a radiograph are not those in the body
BAR_SUFFIX = {"ImagerPixelSpacing": " (detector)"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame to be shown: `number` of `count` in its series, which are slices where `is_stack`, and the marks on it.

    `best_for` are the numbers of the findings that are seen best here; none where the frame shows no finding.
    """

    instance: InstanceHeader
    frame: int
    number: int
    count: int
    is_stack: bool
    marks: tuple[Mark, ...] = ()
    best_for: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class KeyImage:
    """A shot as it was drawn: `values` are RGB, uint8 (rows, columns, 3), with outlines, numbers and scale bar.

    `window` is (center, width) in the units of the modality, None for pictures and colour.
    """

    shot: Shot
    window: Vector2 | None
    values: NDArray[np.uint8]

    @property
    def instance_id(self) -> str:
        return self.shot.instance.id

    @property
    def frame(self) -> int:
        """Counted from 1."""
        return self.shot.frame

    @property
    def findings(self) -> tuple[int, ...]:
        """The numbers of all findings that are drawn."""
        return tuple(mark.number for mark in self.shot.marks)

    @property
    def png(self) -> bytes:
        return as_png(self.values)

    @property
    def labelled(self) -> NDArray[np.uint8]:
        """For other systems: the same with `LABEL` burned in on a strip below."""
        return np.asarray(with_strip(Image.fromarray(self.values), LABEL), dtype=np.uint8)

    @property
    def labelled_png(self) -> bytes:
        return as_png(self.labelled)


def key_images(result: Result, reading: Reading, *, most: int = MOST) -> list[KeyImage]:
    """The key images of a result, at most `most`; frames that can not be read are left out.

    Reads the rows in a scope of its own: call it outside of a transaction, for decoding takes long.
    """
    with tenant_context(result.tenant_id):
        study = result.job.study
        header = study_header(study) if study else None
    return drawn(result.tenant_id, shots_of(header, reading)[:most])


def drawn(tenant_id: UUID, shots: Iterable[Shot]) -> list[KeyImage]:
    """The shots that can be read, drawn. No database."""
    made = [key_image(tenant_id, shot) for shot in shots]
    return [image for image in made if image is not None]


def shots_of(study: StudyHeader | None, reading: Reading) -> tuple[Shot, ...]:
    """The best frame of each standing finding, in the order of their numbers; findings share a frame."""
    if study is None:
        return ()
    standing = reading.standing
    best: dict[tuple[str, int], list[int]] = {}
    places = {one.id: (series, index) for series in study.series for index, one in enumerate(series.instances)}
    uids = {one.sop_instance_uid: one.id for one in study.instances if one.sop_instance_uid}
    for one in standing:
        chosen = best_reference(one.finding.location.instances)
        if chosen is None:
            continue
        identity = chosen.instance_id if chosen.instance_id in places else uids.get(chosen.sop_instance_uid)
        if identity:
            best.setdefault((identity, chosen.frame), []).append(one.number)
    return tuple(
        shot_of(*places[identity], frame, standing, tuple(numbers)) for (identity, frame), numbers in best.items()
    )


def best_reference(references: Sequence[InstanceReference]) -> InstanceReference | None:
    """The image marked as best, else the first."""
    return next((one for one in references if one.best), next(iter(references), None))


def shot_of(series: SeriesHeader, index: int, frame: int, found: Iterable[ReadFinding], best: tuple[int, ...]) -> Shot:
    """One frame with all findings that are drawn on it."""
    instance = series.instances[index]
    marks = tuple(mark for one in found if (mark := mark_of(one, instance, frame, one.number in best)))
    if instance.frames > 1:
        return Shot(instance, frame, frame, instance.frames, False, marks, best)
    return Shot(instance, frame, index + 1, len(series.instances), is_slice(instance), marks, best)


def is_slice(instance: InstanceHeader) -> bool:
    """Whether the image lies at a place in the body, as slices do and films do not."""
    return instance.position is not None and instance.orientation is not None


def plain_shots(study: StudyHeader | None, most: int) -> tuple[Shot, ...]:
    """The frames of a small study, without marks; none of a longer one, which a few slices would not stand for."""
    if study is None or len(study.instances) > most:
        return ()
    places = [(series, index) for series in study.series for index in range(len(series.instances))]
    return tuple(shot_of(series, index, 1, (), ()) for series, index in places)


def mark_of(one: ReadFinding, instance: InstanceHeader, frame: int, is_best: bool) -> Mark | None:
    """A finding's outlines on this frame; its box where this is its best frame and nobody drew an outline."""
    contours = [each for each in one.finding.contours if each.instance_id == instance.id and each.frame == frame]
    if not contours and not is_best:
        return None
    box = one.finding.location.bbox_px
    half = len(box) // 2
    return Mark(
        one.number,
        tuple(tuple(each.points) for each in contours if len(each.points) > 1),
        (box[0], box[1], box[half], box[half + 1]),
    )


def key_image(tenant_id: UUID, shot: Shot) -> KeyImage | None:
    """The shot drawn; None where its file is gone or can not be read. The pixels come from a limited child."""
    try:
        blob = storage.source(tenant_id, shot.instance.sha256)
        rendered = rendered_frame(configured.pool(), blob, frame=shot.frame, max_edge=EDGE)
    except (UnreadableFile, InternalError) as error:
        log.warning("reporting.no_picture", instance=shot.instance.id, reason=error.code)
        return None
    spacing, source = spacing_of(shot.instance)
    canvas = canvas_of(shot.instance.columns, shot.instance.rows, edge_of(shot.instance), spacing)
    picture = picture_of(rendered.values, canvas)
    draw_marks(picture, canvas, shot.marks)
    if spacing:
        draw_bar(picture, mm_per_pixel(shot.instance, canvas, spacing), BAR_SUFFIX.get(source, ""))
    return KeyImage(shot, rendered.window, np.asarray(picture, dtype=np.uint8))


def edge_of(instance: InstanceHeader) -> int:
    """The longer edge of the picture: a tiny one is enlarged so far only that its pixels are seen."""
    return min(EDGE, max(LEAST_EDGE, ENLARGED * max(instance.columns, instance.rows)))


def mm_per_pixel(instance: InstanceHeader, canvas: Canvas, spacing: Vector2) -> float:
    """Of the picture, whose pixels are square."""
    return spacing[1] * instance.columns / canvas.width
