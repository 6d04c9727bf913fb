"""Every cell of the table, as a reader of the paper would look it up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import fleischner
from inference.domain.fleischner import Band, Risk, Row, Texture, band_of_diameter, band_of_volume, rows

pytestmark = pytest.mark.database_free

# texture, several, band, risk: months until the first CT, whether it is firm, and words that the text must have
Cell = tuple[Texture, bool, Band, Risk, tuple[int, int] | None, bool, str]
CELLS: list[Cell] = [
    ("solid", False, "small", "low", None, True, "no follow-up"),
    ("solid", False, "small", "high", (12, 12), False, "12 months can be considered"),
    ("solid", False, "medium", "low", (6, 12), True, "18 to 24 months can be considered"),
    ("solid", False, "medium", "high", (6, 12), True, "and another one after 18 to 24 months"),
    ("solid", False, "large", "low", (3, 3), True, "PET-CT"),
    ("solid", False, "large", "high", (3, 3), True, "PET-CT"),
    ("solid", True, "small", "low", None, True, "no follow-up"),
    ("solid", True, "small", "high", (12, 12), False, "12 months can be considered"),
    ("solid", True, "medium", "low", (3, 6), True, "18 to 24 months can be considered"),
    ("solid", True, "medium", "high", (3, 6), True, "and another one after 18 to 24 months"),
    ("solid", True, "large", "low", (3, 6), True, "18 to 24 months can be considered"),
    ("solid", True, "large", "high", (3, 6), True, "and another one after 18 to 24 months"),
    ("ground_glass", False, "small", "low", None, True, "No follow-up"),
    ("ground_glass", False, "medium", "low", (6, 12), True, "every 2 years until 5 years"),
    ("ground_glass", False, "large", "high", (6, 12), True, "every 2 years until 5 years"),
    ("part_solid", False, "small", "high", None, True, "No follow-up"),
    ("part_solid", False, "medium", "low", (3, 6), True, "each year for 5 years"),
    ("part_solid", False, "large", "high", (3, 6), True, "each year for 5 years"),
    ("subsolid", True, "small", "low", (3, 6), True, "after 2 and 4 years"),
    ("subsolid", True, "medium", "low", (3, 6), True, "most suspicious"),
    ("subsolid", True, "large", "high", (3, 6), True, "most suspicious"),
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: " ".join(map(str, cell[:4])))
def test_a_cell_says_what_the_paper_says(cell: Cell) -> None:
    texture, several, band, risk, months, is_firm, words = cell
    (row,) = rows(texture, several=several, band=band, risk=risk)
    assert (row.after_months, row.is_firm) == (months, is_firm)
    assert words in row.text.template


def test_each_row_of_the_table_is_tried() -> None:
    tried = {row.slug for t, several, band, risk, *_ in CELLS for row in rows(t, several=several, band=band, risk=risk)}
    assert tried == {row.slug for row in fleischner.ROWS}


def test_the_table_has_one_answer_to_each_question() -> None:
    questions: list[tuple[Texture, bool]] = [
        ("solid", False), ("solid", True), ("ground_glass", False), ("part_solid", False), ("subsolid", True),
    ]  # fmt: skip
    for texture, several in questions:
        for band in fleischner.BANDS:
            for risk in ("low", "high"):
                assert len(rows(texture, several=several, band=band, risk=risk)) == 1  # type: ignore[arg-type]


def test_an_unknown_risk_gives_both_branches() -> None:
    both = rows("solid", several=False, band="small", risk="any")
    assert [row.risk for row in both] == ["low", "high"]
    assert [row.risk for row in rows("solid", several=False, band="large", risk="any")] == ["any"]


def test_the_slugs_of_the_cells_are_different() -> None:
    assert len({row.slug for row in fleischner.ROWS}) == len(fleischner.ROWS)


@pytest.mark.parametrize(
    ("millimetres", "band"),
    [
        (0.1, "small"), (5.4, "small"), (5.49, "small"), (5.5, "medium"), (5.9, "medium"), (6.0, "medium"),
        (8.0, "medium"), (8.1, "medium"), (8.49, "medium"), (8.5, "large"), (8.6, "large"), (30.0, "large"),
    ],
)  # fmt: skip
def test_a_diameter_is_read_in_whole_millimetres(millimetres: float, band: Band) -> None:
    assert band_of_diameter(millimetres) == band


@pytest.mark.parametrize(
    ("cubic", "band"),
    [(1.0, "small"), (99.9, "small"), (100.0, "medium"), (250.0, "medium"), (250.1, "large"), (9000.0, "large")],
)
def test_a_volume_is_read_as_it_is(cubic: float, band: Band) -> None:
    assert band_of_volume(cubic) == band


@given(st.sampled_from(fleischner.ROWS), st.data())
def test_a_larger_band_never_gets_milder_advice(row: Row, data: st.DataObject) -> None:
    band = data.draw(st.sampled_from(row.bands))
    bigger = data.draw(st.sampled_from(fleischner.BANDS[fleischner.BANDS.index(band) :]))
    (grown,) = rows(row.texture, several=row.several, band=bigger, risk="high" if row.risk == "any" else row.risk)
    assert grown.urgency >= row.urgency
