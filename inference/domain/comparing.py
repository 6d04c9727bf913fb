"""What became of lesions between two studies: growth, doubling time, new, gone, unchanged. No framework."""

from __future__ import annotations

import math
from collections.abc import Sequence

from inference.domain.advice import DIAMETER, VOLUME, Change
from inference.domain.matching_priors import Pair, Spot
from inference.domain.reading import ReadFinding
from inference.domain.report import Size


def changes(
    now: Sequence[ReadFinding], before: Sequence[ReadFinding], matched: Sequence[Pair], days: int | None
) -> tuple[Change, ...]:
    """A change for each lesion: those of this study by number, then those that are gone."""
    of_now, of_before = {one.number: one for one in now}, {one.number: one for one in before}
    partner = {pair.now.number: of_before[pair.before.number] for pair in matched}
    seen = {one.number for one in partner.values()}
    here = [change(of_now[number], partner.get(number), days) for number in sorted(of_now)]
    gone = [Change(None, number) for number in sorted(of_before) if number not in seen]
    return (*here, *gone)


def change(now: ReadFinding, before: ReadFinding | None, days: int | None) -> Change:
    """A lesion of this study, with the same one of the earlier study where it was there."""
    if before is None:
        return Change(now.number, None)
    measure, value_now, value_before = measured(now.finding.size, before.finding.size)
    if value_now is None or value_before is None:
        return Change(now.number, before.number)
    growth = round(100 * (value_now - value_before) / value_before, 1)
    bare = Change(now.number, before.number, measure, value_now, value_before, growth)
    doubling = doubling_days(measure, value_now, value_before, days) if bare.course == "grown" else None
    return Change(now.number, before.number, measure, value_now, value_before, growth, doubling)


def measured(now: Size, before: Size) -> tuple[str, float | None, float | None]:
    """The measure that both have, the volume before the mean diameter; none where their millimetres are not alike."""
    if now.spacing_source == before.spacing_source != "none":
        if now.volume_mm3 and before.volume_mm3:
            return VOLUME, now.volume_mm3, before.volume_mm3
        if now.mean_diameter_mm and before.mean_diameter_mm:
            return DIAMETER, now.mean_diameter_mm, before.mean_diameter_mm
    return "", None, None


def doubling_days(measure: str, now: float, before: float, days: int | None) -> float | None:
    """In how many days the volume doubles when it grows evenly: days * ln 2 / ln(V2 / V1). A ball where no volume is.

    None where the days are not known, or it did not grow.
    """
    if not days or days < 0 or now <= before:
        return None
    power = 1 if measure == VOLUME else 3
    return round(days * math.log(2) / (power * math.log(now / before)), 1)


def spots_in_patient(findings: Sequence[ReadFinding]) -> tuple[Spot, ...]:
    """The findings with a place in the patient (mm, LPS)."""
    return tuple(
        Spot(one.number, place, one.finding.size.mean_diameter_mm or 0.0, laterality_of(one))
        for one in findings
        if (place := one.finding.location.centroid_mm) is not None
    )


def laterality_of(found: ReadFinding) -> str:
    site = found.finding.location.site
    return site.laterality if site else ""
