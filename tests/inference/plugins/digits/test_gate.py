"""Which images are taken and which are refused, and with which words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.domain.errors import UnsupportedInput
from inference.domain.study import Inputs, StudyHeader
from inference.plugins.base import Accepted, Refused
from inference.plugins.contract import image_header, image_sample
from inference.plugins.digits.gate import judge_header, judge_headers
from inference.plugins.digits.preprocess import prepare_image
from tests.inference.plugins.digits import drawings
from tests.inference.plugins.digits.drawings import Image

pytestmark = pytest.mark.database_free


def study_of(*images: Image) -> StudyHeader:
    study = image_sample("images", *images).inputs.study
    assert study
    return study


def header(rows: int, columns: int, frames: int = 1) -> Accepted | Refused:
    usual = image_header(0, np.zeros((9, 9), np.float32))
    return judge_header(1, replace(usual, rows=rows, columns=columns, frames=frames))


def refusal(image: Image) -> str:
    with pytest.raises(UnsupportedInput) as raised:
        prepare_image(image, image_header(0, image), 1)
    assert raised.value.code == "unsupported_input"
    return raised.value.detail


def test_one_to_a_hundred_images_are_taken() -> None:
    assert judge_headers(study_of(drawings.golden(1))) == Accepted()
    assert judge_headers(study_of(*[drawings.golden(1)] * 100)) == Accepted()


@pytest.mark.parametrize("count", [0, 101])
def test_no_image_or_too_many_are_refused(count: int) -> None:
    assert isinstance(judge_headers(study_of(*[drawings.golden(1)] * count)), Refused)


def test_a_dicom_study_is_refused() -> None:
    assert isinstance(judge_headers(replace(study_of(drawings.golden(1)), kind="dicom")), Refused)


def test_a_job_without_a_study_is_refused() -> None:
    assert isinstance(judge_headers(Inputs().study), Refused)


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (28, 28), (8, 32), (4000, 1000), (3000, 4000)])
def test_fields_of_usual_shape_are_taken(rows: int, columns: int) -> None:
    assert header(rows, columns) == Accepted()


@pytest.mark.parametrize(("rows", "columns"), [(7, 28), (1, 1), (8, 33), (4001, 1000)])
def test_tiny_fields_and_strips_are_refused(rows: int, columns: int) -> None:
    assert isinstance(header(rows, columns), Refused)


def test_a_moving_image_is_refused() -> None:
    assert isinstance(header(28, 28, frames=2), Refused)


@pytest.mark.parametrize("level", [0.0, 128.0, 255.0])
def test_a_blank_sheet_is_refused(level: float) -> None:
    assert refusal(np.full((50, 50), level, np.float32)) == "Image 1 is blank."


def test_faint_grain_on_a_blank_sheet_is_still_blank() -> None:
    grain = np.random.default_rng(0).normal(240, 2, (50, 50)).astype(np.float32)
    assert refusal(grain) == "Image 1 is blank."


@pytest.mark.parametrize("image", [drawings.noise(), drawings.landscape()], ids=["noise", "landscape"])
def test_what_has_no_plain_background_is_refused(image: Image) -> None:
    assert "background" in refusal(image)


def test_a_colour_photograph_is_refused() -> None:
    assert "background" in refusal(np.stack([drawings.landscape()] * 3, axis=-1))


def test_several_digits_in_a_row_are_refused() -> None:
    assert "more than one digit" in refusal(np.hstack([drawings.golden(digit) for digit in (1, 9, 8)]))


def test_a_filled_area_is_refused() -> None:
    area = np.zeros((40, 40), np.float32)
    area[10:30, 10:30] = 255
    assert "area" in refusal(area)


def test_a_straight_stroke_is_a_one_and_not_an_area() -> None:
    stroke = np.zeros((40, 40), np.float32)
    stroke[8:32, 18:22] = 255
    assert prepare_image(stroke, image_header(0, stroke), 1).max() == 1
