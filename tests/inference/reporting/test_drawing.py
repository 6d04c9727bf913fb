"""Marks on pictures: where they lie, that they are seen, and that the same input gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference.reporting.drawing import (
    INK,
    Canvas,
    Mark,
    as_jpeg,
    as_png,
    bar_length,
    canvas_of,
    draw_bar,
    draw_marks,
    number_places,
    number_size,
    overlap,
    picture_of,
    with_strip,
)

pytestmark = pytest.mark.database_free
SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 26.0), (10.0, 26.0))
BOX = (10.0, 10.0, 31.0, 27.0)


def drawn(*marks: Mark, canvas: Canvas | None = None) -> NDArray[np.uint8]:
    canvas = canvas or canvas_of(64, 64, 640, None)
    picture = picture_of(np.full((64, 64), 60, np.uint8), canvas)
    draw_marks(picture, canvas, marks)
    return np.asarray(picture)


def ink(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((values == INK).all(axis=-1))


def test_the_centre_of_a_source_pixel_is_the_centre_of_its_block() -> None:
    canvas = canvas_of(64, 64, 640, None)
    assert canvas.at((0.0, 0.0)) == (4.5, 4.5)
    assert canvas.at((63.0, 63.0)) == (634.5, 634.5)


def test_an_outline_is_drawn_where_the_contour_lies() -> None:
    seen = ink(drawn(Mark(1, (SQUARE,), BOX)))
    x, y = canvas_of(64, 64, 640, None).at((20.0, 10.0))
    assert seen[round(y) - 1 : round(y) + 2, round(x)].any()
    assert not seen[180, 200], "the lesion itself stays free"


def test_a_finding_without_outline_gets_its_box() -> None:
    seen = ink(drawn(Mark(1, (), BOX)))
    x, y = canvas_of(64, 64, 640, None).at((20.0, 9.5))
    assert seen[round(y) - 1 : round(y) + 2, round(x)].any()


def test_pixels_that_are_not_square_are_drawn_as_they_lie_in_the_body() -> None:
    canvas = canvas_of(100, 50, 800, (2.0, 1.0))
    assert (canvas.width, canvas.height) == (800, 800)
    assert canvas.at((99.5, 49.5)) == (799.5, 799.5)


def test_numbers_of_neighbours_do_not_lie_on_each_other() -> None:
    one, other = drawn(Mark(1, (SQUARE,), BOX)), drawn(Mark(1, (SQUARE,), BOX), Mark(2, (SQUARE,), BOX))
    assert ink(other).sum() > ink(one).sum() * 1.02
    assert (ink(other) & ink(one)).sum() == ink(one).sum(), "the second number hides nothing of the first"


@pytest.mark.parametrize("corner", [(0.0, 0.0), (60.0, 0.0), (0.0, 60.0), (60.0, 60.0)])
def test_a_number_at_the_border_stays_on_the_picture(corner: tuple[float, float]) -> None:
    x, y = corner
    canvas = canvas_of(64, 64, 640, None)
    mark = Mark(12, (), (x, y, x + 4, y + 4))
    for left, top, right, bottom in number_places(canvas, mark, 40, 30):
        assert left >= 0
        assert top >= 0
        assert right <= 640
        assert bottom <= 640


def test_overlap_is_told() -> None:
    assert overlap((0, 0, 2, 2), (1, 1, 3, 3))
    assert not overlap((0, 0, 2, 2), (2, 0, 3, 2))


@pytest.mark.parametrize(("most", "length"), [(100.0, 100), (99.0, 50), (1.5, 1), (0.4, None), (1e9, 200)])
def test_a_bar_has_a_round_length_that_fits(most: float, length: int | None) -> None:
    assert bar_length(most) == length


def test_a_bar_is_as_long_as_it_says() -> None:
    picture = Image.new("RGB", (400, 400))
    draw_bar(picture, mm_per_pixel=0.5)
    white = (np.asarray(picture) == 255).all(axis=-1)
    assert abs(int(white.sum(axis=1).max()) - 100) <= 2, "50 mm at half a millimetre a pixel"


def test_the_strip_hides_nothing_of_the_picture() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8))
    made = with_strip(picture, "AI result")
    assert made.width == 400
    assert made.height > 300
    assert np.array_equal(np.asarray(made)[:300], np.asarray(picture))
    assert (np.asarray(made)[300:] == 255).any(), "the words are there"


def test_a_number_grows_with_the_picture() -> None:
    assert number_size(canvas_of(10, 10, 1000, None)) > number_size(canvas_of(10, 10, 200, None)) >= 14


def test_the_same_marks_give_the_same_bytes() -> None:
    one, other = (drawn(Mark(1, (SQUARE,), BOX)) for _ in range(2))
    assert as_png(one) == as_png(other)
    assert as_jpeg(one) == as_jpeg(other)
