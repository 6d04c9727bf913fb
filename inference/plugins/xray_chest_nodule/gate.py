"""Which input is taken, by its headers: modality, part of the body, view and shape. Pure; no TensorFlow.

What the pixels show is judged by `familiarity`, once the model has seen them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inference.domain.study import InstanceHeader, StudyHeader
from inference.plugins.base import Accepted, Refused, Validation
from inference.plugins.xray_chest_nodule.manifest import LARGEST_STUDY, MODALITIES

CODE = "unsupported_input"
SHORTEST_SIDE = 200
LARGEST_ASPECT = 2.0
# DICOM PS3.16 annex L, with what machines write into the field besides
CHEST_PARTS = frozenset({"CHEST", "THORAX", "LUNG", "LUNGS", "CHEST PA", "CHEST AP", "TORAX", "PORTABLE CHEST"})
# DICOM PS3.3 C.8.7.1: position of the patient to the receptor
FRONTAL_VIEWS = frozenset({"PA", "AP"})
SHADES = frozenset({"MONOCHROME1", "MONOCHROME2", "RGB"})
# words of a description that name another part, where the field for it is empty
OTHER_PARTS = re.compile(
    r"\b(abdomen|ankle|arm|cervical|elbow|extremity|femur|foot|forearm|hand|head|hip|humerus|knee|leg|lumbar|neck|pelvis"
    r"|shoulder|skull|spine|tibia|wrist|mammo\w*)\b",
    re.IGNORECASE,
)
LATERAL_WORDS = re.compile(r"\b(lat|lateral|ll|rl)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Film:
    """One image of a study with its number, counted from 1."""

    number: int
    header: InstanceHeader


@dataclass(frozen=True, slots=True)
class Choice:
    """The films that are analysed, and a refusal for each one that is not."""

    films: tuple[Film, ...]
    refused: tuple[Refused, ...]


def judge_headers(study: StudyHeader | None) -> Validation:
    """Accept 1 to `LARGEST_STUDY` films that may be frontal chest radiographs; else say what does not fit."""
    if study is None or not study.instances:
        return Refused(CODE, "This analysis reads frontal chest radiographs; the job has no image.")
    choice = choose_films(study)
    if not choice.films:
        return choice.refused[0]
    if len(choice.films) > LARGEST_STUDY:
        template = "One job takes up to %(limit)s films; the study has %(count)s."
        return Refused(CODE, template, {"limit": LARGEST_STUDY, "count": len(choice.films)})
    if study.kind == "image" and choice.refused:
        return choice.refused[0]
    return Accepted()


def choose_films(study: StudyHeader) -> Choice:
    """Part the images of a study: a lateral view beside a frontal one is left out, and not billed."""
    films, refused = [], []
    for number, header in enumerate(study.instances, start=1):
        verdict = judge_header(number, header, study)
        if isinstance(verdict, Refused):
            refused.append(verdict)
        else:
            films.append(Film(number, header))
    return Choice(tuple(films), tuple(refused))


def judge_header(number: int, header: InstanceHeader, study: StudyHeader) -> Validation:
    """Judge one image, the `number`-th of its study counted from 1."""
    rules = [*shape_faults(header)]
    if study.kind == "dicom":
        rules = [*kind_faults(header), *part_faults(header, study), *rules]
    if not rules:
        return Accepted()
    template, params = rules[0]
    return Refused(CODE, template, {"number": number, **params})


Fault = tuple[str, dict[str, object]]


def kind_faults(header: InstanceHeader) -> Iterator[Fault]:
    """What speaks against the image as a radiograph."""
    if header.modality.upper() not in MODALITIES:
        shown = header.modality or "none"
        yield "Image %(number)s: modality %(modality)s; this analysis reads radiographs (CR, DX).", {"modality": shown}
    if header.photometric.upper() not in SHADES:
        template = "Image %(number)s: the pixels are stored as %(photometric)s, which is no radiograph's."
        yield template, {"photometric": header.photometric}


def part_faults(header: InstanceHeader, study: StudyHeader) -> Iterator[Fault]:
    """What speaks against it as a frontal chest: the field for the part, else the descriptions; then the view."""
    part = plain(header.body_part or study.body_part)
    words = " ".join((header.study_description, header.series_description, header.protocol_name))
    other = OTHER_PARTS.search(words)
    if part and part not in CHEST_PARTS:
        yield "Image %(number)s: body part %(part)s; this analysis reads the chest.", {"part": part}
    elif not part and other:
        yield "Image %(number)s: body part %(part)s; this analysis reads the chest.", {"part": other.group().upper()}
    view = plain(header.view_position)
    if view and view not in FRONTAL_VIEWS:
        yield "Image %(number)s: view %(view)s; this analysis reads frontal views (PA, AP).", {"view": view}
    elif not view and LATERAL_WORDS.search(header.series_description):
        yield "Image %(number)s: view %(view)s; this analysis reads frontal views (PA, AP).", {"view": "LATERAL"}


def shape_faults(header: InstanceHeader) -> Iterator[Fault]:
    """What speaks against the image as one film of useful size."""
    size: dict[str, object] = {"columns": header.columns, "rows": header.rows}
    short, long = sorted((header.rows, header.columns))
    if header.frames != 1:
        yield "Image %(number)s has several frames; a radiograph has one.", {}
    if short < SHORTEST_SIDE:
        yield "Image %(number)s is too small for a radiograph: %(columns)s x %(rows)s pixels.", size
    elif long > LARGEST_ASPECT * short:
        yield "Image %(number)s is a strip of %(columns)s x %(rows)s pixels; a chest fits a squarer field.", size


def plain(value: str) -> str:
    """A header's word in capitals, with single spaces for whatever parts it."""
    return " ".join(re.split(r"[\s_^\-]+", value.strip().upper())).strip()


def says_chest(header: InstanceHeader, study: StudyHeader) -> bool:
    """Whether the header itself names the chest as the part of the body."""
    return study.kind == "dicom" and plain(header.body_part or study.body_part) in CHEST_PARTS
