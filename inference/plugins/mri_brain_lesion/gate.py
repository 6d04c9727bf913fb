"""Which series is taken, by its headers: modality, weighting, kind of image, part of the body. Pure; no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.plugins.base import Accepted, Refused, Validation
from inference.plugins.mri_brain_lesion.manifest import LARGEST_SERIES
from inference.plugins.segmentation.geometry import Fault

CODE = "unsupported_input"
# DICOM PS3.16 annex L, with what machines write into the field besides
HEAD_PARTS = frozenset({"HEAD", "BRAIN", "SKULL", "HEADNECK", "HEAD NECK", "CEREBRUM", "NEURO"})
OTHER_PARTS = re.compile(
    r"\b(abdomen|liver|pelvis|prostate|breast|heart|cardiac|chest|thorax|neck|spine|lumbar|cervical|thoracic|knee|hip"
    r"|shoulder|ankle|foot|hand|wrist|elbow|orbit\w*|pituitary)\b",
    re.IGNORECASE,
)
HEAD_WORDS = re.compile(r"\b(head|brain|skull|cerebr\w*|neuro\w*)\b", re.IGNORECASE)
# other weightings and computed images, as machines name them; a name of a T1 sequence beside them wins
OTHER_WEIGHTINGS = re.compile(
    r"(?<![a-z0-9])(t2\w*|flair|dwi|adc|dti|trace\w*|diff\w*|swi|swan|pd|pdw|stir|bold|fmri|perf\w*|asl|tof|mra|mrv"
    r"|mrs|spectro\w*|epi|b0|b1000|fa|cbf|cbv|phase|subtraction)(?![a-z0-9])",
    re.IGNORECASE,
)
T1_WORDS = re.compile(
    r"(?<![a-z0-9])(t1\w*|mp2?rage|spgr|bravo|vibe|3d ?tfe|tfl\w*|ir ?fspgr)(?![a-z0-9])", re.IGNORECASE
)
NO_SLICES = frozenset({"LOCALIZER", "SCOUT", "MIP", "PROJECTION IMAGE", "ADC", "PHASE MAP", "DIFFUSION"})
SHORTEST_SIDE = 96
SPACINGS = (0.2, 2.5)


def judge_series(study: StudyHeader | None, series: SeriesHeader) -> Validation:
    """Accept what may be a T1 series of a head; else say what does not fit."""
    first = series.instances[0]
    fault = next(faults(study, first, len(series.instances)), None)
    return Refused(CODE, *fault) if fault else Accepted()


def faults(study: StudyHeader | None, header: InstanceHeader, count: int) -> Iterator[Fault]:
    """What speaks against a series, by its first slice."""
    if header.modality.upper() != "MR":
        shown = header.modality or "none"
        yield "Modality %(modality)s; this analysis reads MR of the brain.", {"modality": shown}
    yield from part_faults(study, header)
    yield from weighting_faults(header)
    kinds = NO_SLICES & {part.upper() for part in header.image_type}
    if kinds:
        yield "The series holds %(kind)s images, no original slices.", {"kind": ", ".join(sorted(kinds))}
    if header.photometric.upper() != "MONOCHROME2" or header.samples_per_pixel != 1:
        yield "The pixels are stored as %(photometric)s, which is no MR slice.", {"photometric": header.photometric}
    if count > LARGEST_SERIES:
        yield "The series has %(count)s images; the limit is %(limit)s.", {"count": count, "limit": LARGEST_SERIES}
    yield from shape_faults(header)


def part_faults(study: StudyHeader | None, header: InstanceHeader) -> Iterator[Fault]:
    """The field for the part of the body, else the descriptions."""
    part = plain(header.body_part or (study.body_part if study else ""))
    words = " ".join((header.study_description, header.series_description, header.protocol_name))
    other = OTHER_PARTS.search(words)
    if part and part not in HEAD_PARTS:
        yield "Body part %(part)s; this analysis reads the brain.", {"part": part}
    elif not part and other and not HEAD_WORDS.search(words):
        yield "Body part %(part)s; this analysis reads the brain.", {"part": other.group().upper()}


def weighting_faults(header: InstanceHeader) -> Iterator[Fault]:
    """The weighting, by the descriptions of the series and the protocol: what names another than T1 is refused."""
    for words in (header.series_description, header.protocol_name):
        spaced = plain(words).lower()
        if T1_WORDS.search(spaced):
            return
        other = OTHER_WEIGHTINGS.search(spaced)
        if other:
            yield "The series is %(weighting)s; this analysis reads T1.", {"weighting": other.group().upper()}
            return


def shape_faults(header: InstanceHeader) -> Iterator[Fault]:
    """Matrix and pixel size of a slice; any plane is taken."""
    if min(header.rows, header.columns) < SHORTEST_SIDE:
        yield "The slices are too small: %(columns)s x %(rows)s pixels.", {
            "columns": header.columns, "rows": header.rows}  # fmt: skip
    spacing = header.pixel_spacing
    if spacing is not None and not SPACINGS[0] <= min(spacing) <= max(spacing) <= SPACINGS[1]:
        yield "A pixel spacing of %(spacing)s mm is not that of a head MR.", {"spacing": round(max(spacing), 3)}


def plain(value: str) -> str:
    """A header's word in capitals, with single spaces for whatever parts it."""
    return " ".join(re.split(r"[\s_^\-]+", value.strip().upper())).strip()
