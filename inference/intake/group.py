"""Which study the files of one request make. A request makes one study; files that do not fit it are answered so."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference.intake.codes import refusal
from inference.intake.spool import Arrival


@dataclass(frozen=True, slots=True)
class Group:
    """The study of a request. Files without error belong to it."""

    kind: Literal["dicom", "image"]
    study_uid: str
    arrivals: tuple[Arrival, ...]


def group(arrivals: Sequence[Arrival]) -> Group | None:
    """The one study of the good files; `None` when no file is good. Sets `error` on files of another study.

    The study with the most DICOM files wins, the one named first among equals. PNG and JPEG files make a study of their
    own, and only where no DICOM file came with them: an image says nothing of the study it belongs to.
    """
    uids = Counter(uid for arrival in arrivals if (uid := study_uid(arrival)))
    if uids:
        return dicom_group(arrivals, uids.most_common(1)[0][0])
    good = tuple(arrival for arrival in arrivals if arrival.is_good)
    return image_group(good) if good else None


def dicom_group(arrivals: Sequence[Arrival], chosen: str) -> Group:
    """The files of one DICOM study."""
    for arrival in arrivals:
        uid = study_uid(arrival)
        if arrival.is_good and uid != chosen:
            arrival.error = refusal("other_study" if uid else "mixed_kinds")
    return Group("dicom", chosen, tuple(arrival for arrival in arrivals if arrival.is_good))


def image_group(good: tuple[Arrival, ...]) -> Group:
    """Loose images, as one study whose UID is made of their contents: the same images again are the same study."""
    digests = "\n".join(sorted({arrival.sha256 for arrival in good}))
    return Group("image", content_uid(digests), good)


def study_uid(arrival: Arrival) -> str:
    """The study UID of a good DICOM file, empty for every other file."""
    return arrival.inspection.study_uid if arrival.is_good and arrival.inspection else ""


def content_uid(text: str) -> str:
    """A UID that follows from `text`, under the root for UUIDs (DICOM PS3.5, B.2)."""
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])}"
