"""One plugin on files of this machine, in this process: no tenant, no rows, no bill.

The files go through the same limited child processes as a customer's upload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from inference.artefacts import VerifiedArtefacts
from inference.domain.errors import UnsupportedInput, UserError
from inference.domain.report import Report
from inference.domain.study import Inputs, InstanceHeader, PixelReader, SeriesHeader, StudyHeader
from inference.intake import configured
from inference.intake.examine import examine_all
from inference.intake.group import Group, group
from inference.intake.inspection import instance_header
from inference.intake.ordering import in_order
from inference.intake.pixels import pixel_reader
from inference.intake.rows import first_of, inspection_of, sop_uid
from inference.intake.spool import Arrival, Spool
from inference.plugins.base import AnyPlugin, Refused
from inference.plugins.loading import load

MODALITY_CHARS = 16


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that could not be read, with the reason."""

    name: str
    error: UserError


@dataclass(frozen=True, slots=True)
class LocalStudy:
    """What a plugin is told of local files. The id of an instance is the name of its file."""

    header: StudyHeader
    pixels: PixelReader
    rejected: tuple[RejectedFile, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report of one analysis, and what it would have been billed for."""

    report: Report
    quantity: Decimal
    model: VerifiedArtefacts


@contextmanager
def read_study(paths: Sequence[Path]) -> Iterator[LocalStudy]:
    """The study that the files make, readable while the block runs. Raises the first file's error if none is good."""
    pool = configured.pool()
    with Spool(pool, configured.spool_directory()) as spool:
        for path in paths:
            with path.open("rb") as file:
                spool.add(str(path), file)
        examine_all(pool, spool.arrivals)
        chosen = group(spool.arrivals)
        rejected = tuple(RejectedFile(one.name, one.error) for one in spool.arrivals if one.error)
        if chosen is None:
            raise rejected[0].error
        places = {arrival.name: arrival.path for arrival in chosen.arrivals}
        yield LocalStudy(study_header(chosen), pixel_reader(pool, lambda header: places[header.id]), rejected)


def study_header(chosen: Group) -> StudyHeader:
    """The domain's header of a group of files."""
    series: dict[str, list[InstanceHeader]] = {}
    for number, arrival in enumerate(chosen.arrivals, start=1):
        series.setdefault(inspection_of(arrival).series_uid, []).append(header_of(chosen, arrival, number))
    return StudyHeader(
        id=chosen.study_uid,
        kind=chosen.kind,
        study_uid=chosen.study_uid,
        modality=first_of(chosen, "modality", MODALITY_CHARS),
        body_part=first_of(chosen, "body_part", MODALITY_CHARS),
        series=tuple(series_header(uid, instances) for uid, instances in sorted(series.items())),
    )


def header_of(chosen: Group, arrival: Arrival, number: int) -> InstanceHeader:
    """The header of one file; loose images are numbered as they came."""
    header = dict(inspection_of(arrival).header)
    if chosen.kind == "image":
        header |= {"sop_instance_uid": sop_uid(chosen, arrival), "instance_number": number}
    return instance_header(arrival.name, arrival.sha256, header)


def series_header(uid: str, instances: Sequence[InstanceHeader]) -> SeriesHeader:
    """One series with its instances in order."""
    first = instances[0]
    return SeriesHeader(uid or "images", uid, first.modality, first.series_description, in_order(instances))


def analyse(plugin: AnyPlugin, study: LocalStudy) -> Outcome:
    """Validate, load and run.

    Raises `UserError` where the study is refused or unreadable, `InternalError` where the artefacts are refused.
    """
    inputs = Inputs(study=study.header)
    verdict = plugin.validate(inputs)
    if isinstance(verdict, Refused):
        params: dict[str, Any] = dict(verdict.params)
        raise UnsupportedInput(verdict.template, code=verdict.code, **params)
    quantity = plugin.quantity(inputs)
    model = load(plugin)
    samples = plugin.prepare(inputs, study.pixels)
    return Outcome(plugin.postprocess(inputs, samples, plugin.predict(samples)), quantity, model)
