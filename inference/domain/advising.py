"""What the table of the Fleischner Society says to the nodules of a chest CT, with the reasons. No framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inference.domain import fleischner
from inference.domain.advice import Advice, Comparison, Told
from inference.domain.fleischner import Band, Risk, Row, Texture
from inference.domain.own_rules import grown, listed, masses
from inference.domain.reading import ReadFinding
from inference.domain.report import Size

TEXTURES: dict[str, Texture] = {
    "nodule.solid": "solid",
    "nodule.ground_glass": "ground_glass",
    "nodule.part_solid": "part_solid",
}
CALCIFIED = "nodule.calcified"
SCOPE = Told(
    "The table is for nodules found by chance, not by screening, in people from 35 years of age without known cancer "
    "and with a sound immune system; whether that is so is not known here. For all others it does not apply."
)
RISKS = {
    "low": Told("The order says that the risk is low."),
    "high": Told("The order says that the risk is high."),
    "any": Told("The patient's risk is not known, so both branches are told."),
}
ONE: dict[Texture, Told] = {
    "solid": Told("There is one solid nodule, number %(number)s."),
    "ground_glass": Told("There is one ground-glass nodule, number %(number)s."),
    "part_solid": Told("There is one part-solid nodule, number %(number)s."),
}
SEVERAL: dict[Texture, Told] = {
    "solid": Told("There are %(count)s solid nodules; the largest is number %(number)s."),
    "subsolid": Told("There are %(count)s ground-glass or part-solid nodules; the largest is number %(number)s."),
}
DIAMETER = Told("Its mean diameter is %(millimetres)s mm.")
VOLUME = Told("Its volume is %(cubic)s mm³.")
BOTH = Told("Its mean diameter is %(millimetres)s mm and its volume %(cubic)s mm³.")
UNLIKE = Told("Diameter and volume lead to different rows of the table; the larger one decides.")
CUT_OFF = Told("Number %(number)s is cut off at the border of the images and may be larger.")
SOLID_PART = Told("The size of the solid part is not measured here.")
LEFT_OUT = Told("Calcified nodules are left out (%(numbers)s): the table does not speak of benign calcification.")
GUIDED = Told("Of several nodules the most suspicious one guides what is done; alone it may call for more.")
SEEN_BEFORE = Told("The table counts from the study that first showed a nodule, and there is an earlier study.")

NO_SIZE = Told("No advice by size: the images give no millimetres, and the table goes by size.")


def advice_for_ct(findings: Sequence[ReadFinding], risk: Risk, comparison: Comparison | None) -> tuple[Advice, ...]:
    """Advice for the standing findings of a chest CT, the most pressing first.

    A mass, and a nodule that grew, are beyond the table: then it is silent.
    """
    nodules = [one for one in findings if one.finding.type.slug in TEXTURES]
    beyond = [*masses(nodules), *grown(nodules, comparison)]
    if beyond:
        return tuple(beyond)
    measured = [one for one in nodules if is_measured(one.finding.size)]
    unmeasured = [one for one in nodules if not is_measured(one.finding.size)]
    shared = (*left_out(findings), *seen_before(nodules, comparison))
    found = [pair for group in groups(measured) for pair in from_table(group, risk, shared)]
    found.sort(key=lambda pair: pair[0].urgency, reverse=True)
    return (*(advice for _, advice in found), *without_size(unmeasured))


def is_measured(size: Size) -> bool:
    """Whether the size is known in millimetres."""
    return size.spacing_source != "none" and bool(size.mean_diameter_mm or size.volume_mm3)


def groups(nodules: Sequence[ReadFinding]) -> Iterator[list[ReadFinding]]:
    """The solid ones and the sub-solid ones: each kind has a table of its own."""
    for is_solid in (True, False):
        group = [one for one in nodules if (texture_of(one) == "solid") == is_solid]
        if group:
            yield group


def texture_of(one: ReadFinding) -> Texture:
    return TEXTURES[one.finding.type.slug]


def from_table(group: Sequence[ReadFinding], risk: Risk, shared: Sequence[Told]) -> Iterator[tuple[Row, Advice]]:
    """What the table says to the nodules of one kind, with its reasons."""
    largest = max(group, key=extent)
    several = len(group) > 1
    texture = texture_of(largest)
    if several and texture != "solid":
        texture = "subsolid"
    rows = fleischner.rows(texture, several=several, band=band_of(largest.finding.size), risk=risk)
    numbers = tuple(one.number for one in group)
    for row in rows:
        because = (*reasons(group, largest, texture), *risk_told(rows, risk), *shared, SCOPE)
        yield row, Advice(
            row.slug, row.text, because, fleischner.GUIDELINE, fleischner.VERSION, fleischner.SOURCE, numbers,
            row.after_months,
        )  # fmt: skip


def extent(one: ReadFinding) -> tuple[int, float, float]:
    """The order of nodules by size: by what the table makes of them, then by their measures."""
    size = one.finding.size
    return fleischner.BANDS.index(band_of(size)), size.mean_diameter_mm or 0.0, size.volume_mm3 or 0.0


def bands_of(size: Size) -> list[Band]:
    """By the diameter and by the volume, as far as each is known."""
    found: list[Band] = []
    if size.mean_diameter_mm:
        found.append(fleischner.band_of_diameter(size.mean_diameter_mm))
    if size.volume_mm3:
        found.append(fleischner.band_of_volume(size.volume_mm3))
    return found


def band_of(size: Size) -> Band:
    """The larger one where diameter and volume disagree."""
    return fleischner.larger(bands_of(size))


def reasons(group: Sequence[ReadFinding], largest: ReadFinding, texture: Texture) -> Iterator[Told]:
    """Why these cells: how many, which is the largest, how large."""
    counted = SEVERAL[texture] if len(group) > 1 else ONE[texture]
    yield counted.filled(count=len(group), number=largest.number)
    size = largest.finding.size
    yield size_told(size)
    if len(set(bands_of(size))) > 1:
        yield UNLIKE
    if len(group) > 1 and band_of(size) == "large":
        yield GUIDED
    for one in group:
        if one.finding.truncated:
            yield CUT_OFF.filled(number=one.number)
    if "part_solid" in {texture_of(one) for one in group} and band_of(size) != "small":
        yield SOLID_PART


def size_told(size: Size) -> Told:
    """The measures that are known, the diameter in whole millimetres as the table reads it."""
    params = {}
    if size.mean_diameter_mm:
        params["millimetres"] = str(fleischner.whole_millimetres(size.mean_diameter_mm))
    if size.volume_mm3:
        params["cubic"] = f"{size.volume_mm3:.0f}"
    sentence = BOTH if len(params) > 1 else DIAMETER if "millimetres" in params else VOLUME
    return sentence.filled(**params)


def risk_told(rows: Sequence[Row], risk: Risk) -> Iterator[Told]:
    """Which branch, where the cells depend on the risk."""
    if any(row.risk != "any" for row in rows):
        yield RISKS[risk]


def risk_of(value: object) -> Risk:
    """The risk that an order names; `any` where it names none."""
    return "low" if value == "low" else "high" if value == "high" else "any"


def left_out(findings: Sequence[ReadFinding]) -> Iterator[Told]:
    numbers = [one.number for one in findings if one.finding.type.slug == CALCIFIED]
    if numbers:
        yield LEFT_OUT.filled(numbers=listed(numbers))


def seen_before(nodules: Sequence[ReadFinding], comparison: Comparison | None) -> Iterator[Told]:
    """That a schedule has begun already, where one of the nodules is in the earlier study."""
    numbers = {one.number for one in nodules}
    if comparison and any(one.before and one.now in numbers for one in comparison.changes):
        yield SEEN_BEFORE


def without_size(nodules: Sequence[ReadFinding]) -> Iterator[Advice]:
    """Why the table is silent of these."""
    if nodules:
        numbers = tuple(one.number for one in nodules)
        yield Advice(
            "fleischner-2017.off.no-size", NO_SIZE, (), fleischner.GUIDELINE, fleischner.VERSION, fleischner.SOURCE,
            numbers,
        )  # fmt: skip
