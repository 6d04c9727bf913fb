"""A study read from files without tenant, rows or storage: for commands that try a plugin in this process.

It goes the same way as `receive` up to the point where that would store: what is refused there is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from inference.domain.study import InstanceHeader, PixelReader, SeriesHeader, StudyHeader
from inference.intake.examine import examine_all
from inference.intake.group import Group, group
from inference.intake.inspection import instance_header
from inference.intake.ordering import in_order
from inference.intake.outcome import FileOutcome, NothingTaken, outcomes
from inference.intake.pixels import pixel_reader
from inference.intake.pool import Pool
from inference.intake.spool import Arrival, Spool


@dataclass(frozen=True, slots=True)
class LocalStudy:
    """The study of some files, how to read its pixels, and what became of each file."""

    header: StudyHeader
    pixels: PixelReader
    files: tuple[FileOutcome, ...]


@contextmanager
def local_study(
    pool: Pool, files: Iterable[tuple[str, BinaryIO]], directory: Path | None = None
) -> Iterator[LocalStudy]:
    """The one study of `files` (names and binary file objects); its pixels can be read inside the context.

    Raises `NothingTaken` when no file is good, another `UserError` when there are too many.
    """
    with Spool(pool, directory) as spool:
        for name, file in files:
            spool.add(name, file)
        examine_all(pool, spool.arrivals)
        chosen = group(spool.arrivals)
        if chosen is None:
            raise NothingTaken(outcomes(spool.arrivals))
        paths = {str(number): arrival.path for number, arrival in enumerate(chosen.arrivals)}
        reader = pixel_reader(pool, lambda instance: paths[instance.id])
        yield LocalStudy(header_of(chosen), reader, outcomes(spool.arrivals))


def header_of(chosen: Group) -> StudyHeader:
    """The domain's header; ids are the places of the files in the request."""
    series: dict[str, list[InstanceHeader]] = {}
    for number, arrival in enumerate(chosen.arrivals):
        series.setdefault(series_uid(arrival), []).append(header_of_one(str(number), arrival))
    instances = [one for several in series.values() for one in several]
    return StudyHeader(
        id="local",
        kind=chosen.kind,
        study_uid=chosen.study_uid,
        modality=next((one.modality for one in instances if one.modality), ""),
        body_part=next((one.body_part for one in instances if one.body_part), ""),
        series=tuple(
            SeriesHeader(uid, uid, several[0].modality, several[0].series_description, in_order(several))
            for uid, several in sorted(series.items())
        ),
    )


def header_of_one(identifier: str, arrival: Arrival) -> InstanceHeader:
    """The domain's header of one good file."""
    header = arrival.inspection.header if arrival.inspection else {}
    return instance_header(identifier, arrival.sha256, header)


def series_uid(arrival: Arrival) -> str:
    """The series UID of a good file, empty for loose images."""
    return arrival.inspection.series_uid if arrival.inspection else ""
