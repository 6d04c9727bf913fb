"""The figures on the model card, against cases worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.plugins.digits.data import Part
from inference.plugins.digits.evaluate import (
    best_temperature,
    calibration_error,
    compare_with_golden,
    doubt_threshold,
    mean_surprise,
    wilson_interval,
    write_golden,
)

pytestmark = pytest.mark.database_free
EYE = np.eye(10, dtype=np.float32)


def sure(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """A model that reads the digit from the first pixel, whose value of 0 to 9 it is."""
    return np.asarray(EYE[(images[:, 0, 0] * 255).round().astype(int)], dtype=np.float32)


def tiles() -> Part:
    labels = np.repeat(np.arange(10), 3)
    return Part(np.full((30, 28, 28), labels[:, None, None] / 255, dtype=np.float32), labels)


def test_wilsons_interval_is_the_one_of_the_books() -> None:
    assert wilson_interval(81, 263) == pytest.approx([0.2553, 0.3662], abs=1e-4)


def test_full_certainty_that_is_right_has_no_calibration_error_and_wrong_one_has_all() -> None:
    labels = np.arange(10)
    assert calibration_error(EYE, labels) == 0
    assert calibration_error(EYE, (labels + 1) % 10) == 1


def test_surprise_is_the_logarithm_of_the_classes_where_nothing_is_known() -> None:
    assert mean_surprise(np.zeros((4, 10), np.float32), np.arange(4)) == pytest.approx(np.log(10))


def test_an_overconfident_model_is_cooled_and_a_timid_one_heated() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 10)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(10, p=row / row.sum()) for row in chances.astype(np.float64)])
    assert best_temperature(logits, labels) == pytest.approx(1, abs=0.1)
    assert best_temperature(logits * 2, labels) == pytest.approx(2, abs=0.2)


def test_the_threshold_of_doubt_is_the_lowest_that_keeps_the_promise() -> None:
    rows = np.zeros((100, 10), np.float32)
    rows[:, 0] = np.where(np.arange(100) < 10, 0.705, 0.95)
    labels = np.where(np.arange(100) < 10, 1, 0)
    assert doubt_threshold(rows, labels) == pytest.approx(0.71)


def test_the_golden_digits_pass_with_the_model_that_made_them(tmp_path: Path) -> None:
    write_golden(tmp_path / "golden.npz", sure, tiles())
    outcome = compare_with_golden(sure, tmp_path / "golden.npz")
    assert outcome.passed
    assert "10 of 10" in outcome.detail


def test_a_model_that_answers_otherwise_fails_the_self_test(tmp_path: Path) -> None:
    write_golden(tmp_path / "golden.npz", sure, tiles())
    assert not compare_with_golden(lambda images: np.roll(sure(images), 1, axis=1), tmp_path / "golden.npz").passed
    assert not compare_with_golden(lambda images: sure(images) * np.float32(0.9), tmp_path / "golden.npz").passed
