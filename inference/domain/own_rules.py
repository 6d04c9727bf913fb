"""Rules of our own beside the published table: a mass, a nodule that grew, an opacity on a film. No framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inference.domain.advice import Advice, Comparison, Told
from inference.domain.reading import ReadFinding

OPACITIES = ("opacity.nodule", "opacity.mass")
# Fleischner Society glossary (2008): more than 3 cm is a mass
MASS_ABOVE_MM = 30.0

# rules of ours name no guideline of anybody else
OURS, OUR_VERSION = "Assay", "1"
OUR_RULE = Told("This is a rule of this product after general practice, not of a guideline.")

MASS = Told(
    "A lesion of more than 30 mm is a mass: it calls for a work-up now. The table for nodules does not speak of it."
)
GROWN = Told(
    "A nodule has grown since the earlier study: it calls for a work-up now. The table for first findings does not "
    "decide any more."
)
GREW_BY = Told("Number %(number)s has grown by more than the error of measurement.")
WIDER = Told("Number %(number)s has a mean diameter of %(millimetres)s mm.")
FILM = Told("A CT should confirm what the radiograph shows.")
FILM_LIMITS = Told("A radiograph shows neither the density nor the true size of an opacity.")
ON_FILM = Told("Opacities like a nodule or a mass: %(numbers)s.")


def advice_for_film(findings: Sequence[ReadFinding]) -> tuple[Advice, ...]:
    """A CT for what looks like a nodule or mass on a radiograph."""
    numbers = tuple(one.number for one in findings if one.finding.type.slug in OPACITIES)
    if not numbers:
        return ()
    because = (ON_FILM.filled(numbers=listed(numbers)), FILM_LIMITS, OUR_RULE)
    return (Advice("assay.radiograph.ct", FILM, because, OURS, OUR_VERSION, "", numbers),)


def masses(nodules: Sequence[ReadFinding]) -> Iterator[Advice]:
    """Lesions that are no nodules any more."""
    wide = [one for one in nodules if (one.finding.size.mean_diameter_mm or 0.0) > MASS_ABOVE_MM]
    if wide:
        because = [
            WIDER.filled(number=one.number, millimetres=f"{one.finding.size.mean_diameter_mm:.1f}") for one in wide
        ]
        numbers = tuple(one.number for one in wide)
        yield Advice("assay.mass.work-up", MASS, (*because, OUR_RULE), OURS, OUR_VERSION, "", numbers)


def grown(nodules: Sequence[ReadFinding], comparison: Comparison | None) -> Iterator[Advice]:
    """Nodules that are larger than in the earlier study."""
    changes = comparison.changes if comparison else ()
    larger = {one.now for one in changes if one.course == "grown"}
    numbers = tuple(one.number for one in nodules if one.number in larger)
    if numbers:
        because = [GREW_BY.filled(number=number) for number in numbers]
        yield Advice("assay.growth.work-up", GROWN, (*because, OUR_RULE), OURS, OUR_VERSION, "", numbers)


def listed(numbers: Sequence[int]) -> str:
    """Numbers of findings as a list."""
    return ", ".join(str(number) for number in numbers)
