"""Images become fields as MNIST's makers made them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.plugins.contract import image_header
from inference.plugins.digits.preprocess import (
    BOX,
    FIELD,
    centre_by_mass,
    fit_to_box,
    lift_strokes,
    prepare_image,
    to_grey,
)
from tests.inference.plugins.digits import drawings
from tests.inference.plugins.digits.drawings import Image

pytestmark = pytest.mark.database_free


def prepare(image: Image) -> Image:
    return prepare_image(image, image_header(0, image), 1)


def centre(field: Image) -> tuple[float, float]:
    rows, columns = np.mgrid[0:FIELD, 0:FIELD] + 0.5
    return float((rows * field).sum() / field.sum()), float((columns * field).sum() / field.sum())


@pytest.mark.parametrize("digit", range(10))
def test_a_field_is_28_by_28_of_0_to_1_with_its_mass_in_the_middle(digit: int) -> None:
    field = prepare(drawings.on_paper(digit))
    assert field.shape == (FIELD, FIELD)
    assert field.dtype == np.float32
    assert 0 <= field.min() <= field.max() <= 1
    assert centre(field) == pytest.approx((FIELD / 2, FIELD / 2), abs=1)


@pytest.mark.parametrize("digit", range(10))
def test_strokes_fill_a_box_of_20(digit: int) -> None:
    inked = prepare(drawings.on_paper(digit)) > 0
    assert max(np.ptp(np.flatnonzero(inked.any(axis=axis))) + 1 for axis in (0, 1)) == BOX


def test_dark_on_bright_and_bright_on_dark_give_the_same_field() -> None:
    sheet = drawings.on_paper(7)
    np.testing.assert_allclose(prepare(sheet), prepare(255 - sheet), atol=1e-4)


def test_size_place_and_brightness_hardly_matter() -> None:
    reference = prepare(drawings.on_paper(4))
    for other in (drawings.on_paper(4, enlarged=9), drawings.on_paper(4) * 0.6 + 40, drawings.in_blue_ink(4)):
        assert np.abs(prepare(other) - reference).mean() < 0.03


def test_sixteen_bits_give_the_same_field_as_eight() -> None:
    sheet = drawings.on_paper(2)
    deep = replace(image_header(0, sheet), bits_stored=16)
    np.testing.assert_allclose(prepare_image(sheet * 257, deep, 1), prepare(sheet), atol=1e-4)


def test_colour_becomes_luma_and_grey_stays() -> None:
    colour = np.zeros((2, 2, 3), np.float32)
    colour[..., 1] = 100
    assert to_grey(colour) == pytest.approx(np.full((2, 2), 58.7))
    assert to_grey(colour[..., 0]) is not None
    assert to_grey(colour[..., 1]).shape == (2, 2)


def test_the_strongest_stroke_is_1_and_the_background_0() -> None:
    lifted = lift_strokes(np.array([[0.9, 0.9, 0.3]], np.float32), background=0.9)
    assert lifted.tolist() == [[0, 0, 1]]


def test_the_aspect_of_a_stroke_stays() -> None:
    assert fit_to_box(np.ones((100, 25), np.float32)).shape == (20, 5)
    assert fit_to_box(np.ones((3, 200), np.float32)).shape == (1, 20)


def test_a_box_that_is_heavy_at_one_end_stays_inside_the_field() -> None:
    box = np.zeros((20, 20), np.float32)
    box[19, 19] = 1
    assert centre_by_mass(box).sum() == 1
