"""A result beside that of an earlier study of the same patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from inference.domain.advice import Change, Comparison, Told
from inference.domain.comparing import changes, laterality_of, spots_in_patient
from inference.domain.matching_priors import IN_PATIENT, ON_FILM, Spot, match
from inference.domain.reading import ReadFinding, Reading
from inference.models import Instance, Result, Study
from inference.reading import reading_of
from tenants.ids import encode

OTHER_MODEL = Told(
    "The earlier study was analysed by another version of the analysis: a difference can come from that alone."
)
NO_DATE = Told("The date of one of the two studies is not known: the order is that in which they came in.")
FILMS = Told("Radiographs are matched by the position in the image, which posture and projection move.")
UNLIKE_SCALES = Told(
    "A lesion was not measured in millimetres of the same kind in both studies: its growth is not told."
)
NO_PLACE = Told("A finding without a known place is left out of the comparison.")


@dataclass(frozen=True, slots=True)
class Side:
    """The standing findings of one study, with the places of those that have one."""

    findings: tuple[ReadFinding, ...]
    spots: tuple[Spot, ...]

    @property
    def placed(self) -> tuple[ReadFinding, ...]:
        """The findings that have a place: only of those can be said that they are new or gone."""
        numbers = {spot.number for spot in self.spots}
        return tuple(one for one in self.findings if one.number in numbers)

    @property
    def lacks_places(self) -> bool:
        return len(self.spots) < len(self.findings)

    @property
    def is_blind(self) -> bool:
        """Whether there are findings and none has a place: then the other side's would all seem new or gone."""
        return bool(self.findings) and not self.spots


def comparison_of(result: Result, reading: Reading) -> Comparison | None:
    """The newest earlier result of the same patient by the same analysis, compared; None where there is none.

    Rejected findings of either are left out. Needs the tenant's scope.
    """
    study = result.job.study
    prior = prior_of(result, study) if study is not None and study.patient_key else None
    if study is None or prior is None or prior.job.study is None:
        return None
    return compared(result, reading.standing, prior, days_between(study.taken_at, prior.job.study.taken_at))


def compared(result: Result, now: Sequence[ReadFinding], prior: Result, days: int | None) -> Comparison:
    """The comparison with this very result."""
    before = reading_of(prior).standing
    is_flat = are_flat([*now, *before])
    here, there = side_of_result(result, now, is_flat), side_of_result(prior, before, is_flat)
    found: tuple[Change, ...] = ()
    if not here.is_blind and not there.is_blind:
        pairs = match(here.spots, there.spots, ON_FILM if is_flat else IN_PATIENT)
        found = changes(here.placed, there.placed, pairs, days)
    notes = (
        (OTHER_MODEL, is_other_model(result, prior)),
        (NO_DATE, days is None),
        (FILMS, is_flat),
        (NO_PLACE, here.lacks_places or there.lacks_places),
        (UNLIKE_SCALES, any(one.course == "not_measured" for one in found)),
    )
    taken_at = prior.job.study.taken_at if prior.job.study else None
    told = tuple(note for note, holds in notes if holds)
    return Comparison(encode("job", prior.job_id), taken_at, days, found, told)


def prior_of(result: Result, study: Study) -> Result | None:
    """The newest succeeded result of an earlier study of the patient by the same analysis.

    By the date of the study; where this study or every other one has none, by when they came in.
    """
    others = candidates(result, study)
    if study.taken_at is not None:
        dated = others.filter(job__study__taken_at__lt=study.taken_at)
        found = dated.order_by("-job__study__taken_at", "-created_at", "-id").first()
        if found is not None:
            return found
        others = others.filter(job__study__taken_at=None)
    received = others.filter(job__study__created_at__lt=study.created_at)
    return received.order_by("-job__study__created_at", "-created_at", "-id").first()


def candidates(result: Result, study: Study) -> QuerySet[Result]:
    """Results of the tenant's other studies of the patient by the same analysis."""
    same = Result.objects.for_tenant(result.tenant_id).filter(
        job__plugin=result.job.plugin, job__study__patient_key=study.patient_key
    )
    found: QuerySet[Result] = same.exclude(job__study=study.pk).select_related("job__study")
    return found


def days_between(now: datetime | None, before: datetime | None) -> int | None:
    """Whole days, None where one of the dates is not known."""
    return None if now is None or before is None else (now - before).days


def is_other_model(result: Result, prior: Result) -> bool:
    """Whether another version of the analysis, or other weights of it, made the earlier result."""
    return any(result.model.get(name) != prior.model.get(name) for name in ("version", "weights_sha256"))


def side_of_result(result: Result, findings: Sequence[ReadFinding], is_flat: bool) -> Side:
    """The findings with their places in the patient, or in the image where they lie on single images."""
    spots = spots_on_film(result, findings) if is_flat else spots_in_patient(findings)
    return Side(tuple(findings), spots)


def are_flat(findings: Sequence[ReadFinding]) -> bool:
    """Whether these are findings on single images."""
    return bool(findings) and all(len(one.finding.location.centroid_px) == 2 for one in findings)


def spots_on_film(result: Result, findings: Sequence[ReadFinding]) -> tuple[Spot, ...]:
    """Places as shares of the width and height of their image. Those whose image is gone have none."""
    shown = {str(row.id): row for row in Instance.objects.for_tenant(result.tenant_id).filter(study=result.job.study)}
    return tuple(spot for one in findings for spot in spot_on_film(one, shown))


def spot_on_film(one: ReadFinding, shown: dict[str, Instance]) -> Iterator[Spot]:
    place = one.finding.location
    image = next((shown[ref.instance_id] for ref in place.instances if ref.instance_id in shown), None)
    if image is None:
        return
    width, height = image.header["columns"], image.header["rows"]
    centre = (place.centroid_px[0] / width, place.centroid_px[1] / height)
    yield Spot(one.number, centre, one.finding.size.long_axis_px / max(width, height), laterality_of(one))
