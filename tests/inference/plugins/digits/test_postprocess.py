"""Probabilities become a report."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.contract import image_header
from inference.plugins.digits.postprocess import build_report, rank

pytestmark = pytest.mark.database_free
HEADERS = [image_header(number, np.zeros((9, 9), np.float32)) for number in range(2)]
SURE = np.array([0.01] * 3 + [0.91] + [0.01] * 5 + [0.03], dtype=np.float32)
UNSURE = np.full(10, 0.1, dtype=np.float32)


def test_labels_are_ranked_by_probability_and_equal_ones_by_digit() -> None:
    assert [label.code for label in rank("image-0", SURE).labels[:3]] == ["3", "9", "0"]
    assert [label.code for label in rank("image-0", UNSURE).labels] == list("0123456789")


def test_only_the_doubtful_image_is_named_counted_from_one() -> None:
    notes = build_report(HEADERS, [SURE, UNSURE], doubtful_below=0.5).notes
    assert notes == ("Image 2 is doubtful: 0 is the best guess, with probability 0.10.",)


def test_an_image_on_the_threshold_is_not_doubtful() -> None:
    assert build_report(HEADERS, [SURE, SURE], doubtful_below=float(SURE.max())).notes == ()


def test_every_image_needs_its_output() -> None:
    with pytest.raises(ValueError):
        build_report(HEADERS, [SURE], doubtful_below=0.5)
