"""What a customer gets for images of digits."""

from __future__ import annotations

import numpy as np
import pytest

from inference.domain.errors import UnsupportedInput
from inference.domain.report import Report
from inference.plugins.contract import image_sample, loaded, run
from inference.plugins.digits import plugin
from tests.inference.plugins.digits import drawings
from tests.inference.plugins.digits.drawings import Image

pytestmark = pytest.mark.database_free


def report_on(*images: Image) -> Report:
    return run(loaded(plugin), [image_sample("images", *images)])[0]


def best_of(report: Report) -> list[str]:
    return [prediction.labels[0].code for prediction in report.predictions]


@pytest.mark.parametrize("draw", [drawings.golden, drawings.on_paper, drawings.in_blue_ink])
def test_all_ten_digits_are_read_however_they_are_drawn(draw: object) -> None:
    assert callable(draw)
    assert best_of(report_on(*(draw(digit) for digit in range(10)))) == list("0123456789")


def test_each_image_has_one_prediction_under_its_own_id() -> None:
    report = report_on(drawings.golden(3), drawings.golden(8))
    assert [prediction.item for prediction in report.predictions] == ["image-0", "image-1"]
    assert report.status == "predictions"
    assert not report.findings


def test_ten_labels_stand_in_order_of_probability_and_sum_to_one() -> None:
    labels = report_on(drawings.golden(6)).predictions[0].labels
    probabilities = [label.probability for label in labels]
    assert sorted(label.code for label in labels) == list("0123456789")
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert labels[0].name == "six"


def test_a_doubtful_image_is_named_in_a_note_and_a_clear_one_is_not() -> None:
    between = np.maximum(np.roll(drawings.golden(3), 3, axis=1), drawings.golden(5))
    report = report_on(drawings.golden(1), between)
    assert report.predictions[1].labels[0].probability < report.predictions[0].labels[0].probability
    assert report_on(drawings.golden(1)).notes == ()


def test_the_price_counts_the_images() -> None:
    sample = image_sample("images", *[drawings.golden(0)] * 7)
    assert plugin.quantity(sample.inputs) == 7


def test_a_refusal_says_which_image_it_is_about() -> None:
    with pytest.raises(UnsupportedInput) as raised:
        report_on(drawings.golden(1), np.zeros((30, 30), np.float32))
    assert raised.value.detail == "Image 2 is blank."
