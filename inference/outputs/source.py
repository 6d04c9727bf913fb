"""The original study as outputs see it: headers without pixels, read in limited children, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from inference.domain.reading import Reading
from inference.domain.study import StudyHeader
from inference.intake.pixels import OpenBlob
from inference.intake.pool import Pool
from inference.outputs.attributes import ATTRIBUTES, checked
from inference.outputs.errors import TooManyImages, UnsuitableHeader

MOST_IMAGES = 1_000
NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")


@dataclass(frozen=True, slots=True)
class Source:
    """`study` is None after its deletion; `images` are the checked headers of the originals by instance id.

    Only those that a finding refers to are there, and one at least. Empty for studies of PNG and JPEG.
    """

    study: StudyHeader | None = None
    images: Mapping[str, Dataset] = field(default_factory=dict)

    @property
    def first(self) -> Dataset:
        """The header that stands for the study: patient and study are the same in all."""
        return next(iter(self.images.values()))


def read_source(study: StudyHeader | None, reading: Reading, pool: Pool, open_blob: OpenBlob) -> Source:
    """The headers of the images that the standing findings refer to, of the first one where they refer to none.

    Raises `UnsuitableHeader`, `TooManyImages`, and `UnreadableFile` where an original can not be read any more.
    """
    if study is None or study.kind != "dicom":
        return Source(study)
    wanted = referenced(reading)
    if len(wanted) > MOST_IMAGES:
        raise TooManyImages(limit=MOST_IMAGES)
    chosen = [one for one in study.instances if one.id in wanted] or study.instances[:1]
    images = {one.id: original(pool.run("attributes", open_blob(one), names=list(ATTRIBUTES))) for one in chosen}
    return Source(study, images)


def referenced(reading: Reading) -> set[str]:
    """The ids of all instances that a standing finding names."""
    return {
        name
        for one in reading.standing
        for name in (
            *(reference.instance_id for reference in one.finding.location.instances),
            *(contour.instance_id for contour in one.finding.contours),
        )
    }


def original(reply: Mapping[str, object]) -> Dataset:
    """The checked header in a child's reply. Raises `UnsuitableHeader` where it does not say what the image is."""
    values = reply.get("values")
    made = checked(values if isinstance(values, dict) else {})
    require(made, NEEDED)
    return made


def require(header: Dataset, names: Iterable[str]) -> None:
    """Raises `UnsuitableHeader` for the first attribute that is missing."""
    for name in names:
        if name not in header:
            raise UnsuitableHeader(attribute=name)
