"""Which series is taken, by its headers: modality, kind of image, part of the body, plane. Pure; no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.plugins.base import Accepted, Refused, Validation
from inference.plugins.ct_lung_nodule.manifest import LARGEST_SERIES
from inference.plugins.segmentation.geometry import Fault

CODE = "unsupported_input"
# DICOM PS3.16 annex L, with what machines write into the field besides
CHEST_PARTS = frozenset(
    {"CHEST", "THORAX", "LUNG", "LUNGS", "TORAX", "CHEST ABDOMEN", "CHESTABDOMEN", "CHESTABDPELVIS"}
)
OTHER_PARTS = re.compile(
    r"\b(abdomen|pelvis|head|brain|skull|neck|spine|lumbar|cervical|knee|hip|shoulder|ankle|foot|hand|wrist|sinus\w*)\b",
    re.IGNORECASE,
)
CHEST_WORDS = re.compile(r"\b(chest|thora\w*|lung\w*)\b", re.IGNORECASE)
NO_SLICES = frozenset({"LOCALIZER", "SCOUT", "MPR", "MIP"})
# cosine of the angle between the slices' normal and the body's axis
LEAST_AXIAL = 0.9
SHORTEST_SIDE = 128
SPACINGS = (0.2, 2.0)


def judge_series(study: StudyHeader | None, series: SeriesHeader) -> Validation:
    """Accept what may be an axial chest CT; else say what does not fit."""
    first = series.instances[0]
    fault = next(faults(study, first, len(series.instances)), None)
    return Refused(CODE, *fault) if fault else Accepted()


def faults(study: StudyHeader | None, header: InstanceHeader, count: int) -> Iterator[Fault]:
    """What speaks against a series, by its first slice."""
    if header.modality.upper() != "CT":
        shown = header.modality or "none"
        yield "Modality %(modality)s; this analysis reads chest CT.", {"modality": shown}
    yield from part_faults(study, header)
    kinds = NO_SLICES & {part.upper() for part in header.image_type}
    if kinds:
        yield "The series holds %(kind)s images, no original slices.", {"kind": ", ".join(sorted(kinds))}
    if header.photometric.upper() != "MONOCHROME2" or header.samples_per_pixel != 1:
        yield "The pixels are stored as %(photometric)s, which is no CT slice.", {"photometric": header.photometric}
    if count > LARGEST_SERIES:
        yield "The series has %(count)s images; the limit is %(limit)s.", {"count": count, "limit": LARGEST_SERIES}
    yield from shape_faults(header)


def part_faults(study: StudyHeader | None, header: InstanceHeader) -> Iterator[Fault]:
    """The field for the part of the body, else the descriptions."""
    part = plain(header.body_part or (study.body_part if study else ""))
    words = " ".join((header.study_description, header.series_description, header.protocol_name))
    other = OTHER_PARTS.search(words)
    if part and part not in CHEST_PARTS:
        yield "Body part %(part)s; this analysis reads the chest.", {"part": part}
    elif not part and other and not CHEST_WORDS.search(words):
        yield "Body part %(part)s; this analysis reads the chest.", {"part": other.group().upper()}


def shape_faults(header: InstanceHeader) -> Iterator[Fault]:
    """Plane, matrix and pixel size of a slice."""
    if min(header.rows, header.columns) < SHORTEST_SIDE:
        yield "The slices are too small: %(columns)s x %(rows)s pixels.", {
            "columns": header.columns, "rows": header.rows}  # fmt: skip
    if header.orientation is not None:
        normal = np.cross(header.orientation[:3], header.orientation[3:])
        if abs(float(normal[2])) < LEAST_AXIAL:
            yield "The slices are not axial; send the axial series.", {}
    spacing = header.pixel_spacing
    if spacing is not None and not SPACINGS[0] <= min(spacing) <= max(spacing) <= SPACINGS[1]:
        yield "A pixel spacing of %(spacing)s mm is not that of a chest CT.", {"spacing": round(max(spacing), 3)}


def plain(value: str) -> str:
    """A header's word in capitals, with single spaces for whatever parts it."""
    return " ".join(re.split(r"[\s_^\-]+", value.strip().upper())).strip()
