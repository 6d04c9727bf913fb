"""Which series is taken, by its headers: modality, part of the body, kind of image, matrix. Pure; no TensorFlow.

A plugin states its numbers, words and sentences as a `SeriesGate`; the rules are the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.plugins.base import Accepted, Refused, Validation
from inference.plugins.segmentation.geometry import Fault

CODE = "unsupported_input"


@dataclass(frozen=True, slots=True)
class Sentences:
    """What the customer reads, with the places %(modality)s, %(part)s, %(photometric)s and %(spacing)s in turn."""

    modality: str
    part: str
    photometric: str
    spacing: str


@dataclass(frozen=True, slots=True)
class SeriesGate:
    """What one analysis takes.

    `parts` are the names of its part of the body in the field for that; where the field is empty, a description that
    `other_parts` matches and `own_words` does not is refused. `no_slices` are kinds of images that are no original
    slices, `spacings` the bounds of pixel spacing in mm. `further` yields what only this analysis minds.
    """

    modality: str
    parts: frozenset[str]
    other_parts: re.Pattern[str]
    own_words: re.Pattern[str]
    no_slices: frozenset[str]
    shortest_side: int
    spacings: tuple[float, float]
    largest_series: int
    sentences: Sentences
    further: Callable[[InstanceHeader], Iterator[Fault]]


def judge_series(gate: SeriesGate, study: StudyHeader | None, series: SeriesHeader) -> Validation:
    """Accept what may be a series for this analysis; else say what does not fit."""
    first = series.instances[0]
    fault = next(faults(gate, study, first, len(series.instances)), None)
    return Refused(CODE, *fault) if fault else Accepted()


def faults(gate: SeriesGate, study: StudyHeader | None, header: InstanceHeader, count: int) -> Iterator[Fault]:
    """What speaks against a series, by its first slice; most basic first."""
    if header.modality.upper() != gate.modality:
        yield gate.sentences.modality, {"modality": header.modality or "none"}
    yield from part_faults(gate, study, header)
    yield from gate.further(header)
    kinds = gate.no_slices & {part.upper() for part in header.image_type}
    if kinds:
        yield "The series holds %(kind)s images, no original slices.", {"kind": ", ".join(sorted(kinds))}
    if header.photometric.upper() != "MONOCHROME2" or header.samples_per_pixel != 1:
        yield gate.sentences.photometric, {"photometric": header.photometric}
    if count > gate.largest_series:
        yield "The series has %(count)s images; the limit is %(limit)s.", {
            "count": count, "limit": gate.largest_series}  # fmt: skip
    yield from matrix_faults(gate, header)


def part_faults(gate: SeriesGate, study: StudyHeader | None, header: InstanceHeader) -> Iterator[Fault]:
    """The field for the part of the body, else the descriptions."""
    part = plain(header.body_part or (study.body_part if study else ""))
    words = " ".join((header.study_description, header.series_description, header.protocol_name))
    other = gate.other_parts.search(words)
    if part and part not in gate.parts:
        yield gate.sentences.part, {"part": part}
    elif not part and other and not gate.own_words.search(words):
        yield gate.sentences.part, {"part": other.group().upper()}


def matrix_faults(gate: SeriesGate, header: InstanceHeader) -> Iterator[Fault]:
    """Matrix and pixel size of a slice."""
    if min(header.rows, header.columns) < gate.shortest_side:
        yield "The slices are too small: %(columns)s x %(rows)s pixels.", {
            "columns": header.columns, "rows": header.rows}  # fmt: skip
    spacing = header.pixel_spacing
    low, high = gate.spacings
    if spacing is not None and not low <= min(spacing) <= max(spacing) <= high:
        yield gate.sentences.spacing, {"spacing": round(max(spacing), 3)}


def plain(value: str) -> str:
    """A header's word in capitals, with single spaces for whatever parts it."""
    return " ".join(re.split(r"[\s_^\-]+", value.strip().upper())).strip()
