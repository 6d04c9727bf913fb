"""Marks are matched with known lesions; the figures of the card follow from that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.plugins.segmentation.familiarity import Thresholds, learn, load_thresholds
from inference.plugins.segmentation.figures import auroc, figures, spread
from inference.plugins.segmentation.matching import Mark, Seen, Truth, match
from inference.plugins.segmentation.scoring import Scoring, fit_scoring

pytestmark = pytest.mark.database_free
BINS = ((10.0, "small"), (1e9, "large"))


def plane(*boxes: tuple[int, int, int]) -> np.ndarray:
    """Squares with labels 1, 2, ...: row, column, side."""
    labels = np.zeros((40, 40), dtype=np.int32)
    for number, (row, column, side) in enumerate(boxes, start=1):
        labels[row : row + side, column : column + side] = number
    return labels


def test_a_mark_that_shares_enough_is_a_hit_and_the_rest_is_false_or_missed() -> None:
    seen = match(plane((2, 2, 10), (25, 25, 5)), plane((2, 2, 9), (10, 30, 4)), [0.9, 0.6], cell_mm=2.0)
    assert [mark.hit for mark in seen.marks] == [True, False]
    found, missed = seen.truths
    assert (found.peak, missed.peak) == (0.9, 0.0)
    assert found.dice == pytest.approx(2 * 81 / 181)
    assert found.size_error == pytest.approx(0.1)
    assert found.diameter == pytest.approx(2 * 2 * np.sqrt(100 / np.pi))


def test_volumes_are_matched_by_the_same_rule() -> None:
    truth = np.zeros((6, 20, 20), dtype=np.int32)
    truth[1:5, 5:11, 5:11] = 1
    seen = match(truth, truth, [0.8], cell_mm=1.0)
    assert seen.truths[0].dice == 1.0
    assert seen.truths[0].diameter == pytest.approx((6 * 144 / np.pi) ** (1 / 3))


def test_a_case_without_marks_or_lesions_is_counted() -> None:
    empty = np.zeros((5, 5), dtype=np.int32)
    assert match(empty, empty, [], 1.0) == Seen((), ())


def seen_cases() -> list[Seen]:
    """Hits have high peaks, false marks low ones."""
    rng = np.random.default_rng(3)
    truths = [Truth(float(rng.uniform(5, 20)), float(rng.uniform(0.7, 0.99)), 0.9, 0.05) for _ in range(60)]
    cases = [Seen((one,), (Mark(one.peak, True),)) for one in truths]
    false = [Seen((), (Mark(float(rng.uniform(0.5, 0.8)), False),)) for _ in range(40)]
    return [*cases, *false]


def test_the_threshold_keeps_to_the_number_of_false_marks() -> None:
    cases = seen_cases()
    for most in (0.0, 0.05, 0.2):
        scoring = fit_scoring(cases, most)
        assert figures(cases, scoring, BINS, "scan")["false_marks_per_scan"] <= most


def test_calibration_lowers_the_calibration_error() -> None:
    cases = seen_cases()
    found = figures(cases, fit_scoring(cases, 0.1), BINS, "scan")
    assert found["calibration_error_after"] < found["calibration_error_before"]


def test_sensitivity_is_given_by_size_and_the_froc_falls_with_the_score() -> None:
    found = figures(seen_cases(), Scoring(1.0, 0.0, 0.75), BINS, "scan")
    groups = found["sensitivity_by_size"]
    assert groups["small"]["lesions"] + groups["large"]["lesions"] == found["lesions"] == 60
    rates = [point["sensitivity"] for point in found["froc"]]
    assert rates == sorted(rates, reverse=True)
    assert 0 < found["sensitivity_10_mm_and_more"] <= 1


def test_auroc_and_spread() -> None:
    assert auroc([2.0, 3.0], [0.0, 1.0]) == 1.0
    assert auroc([1.0], [1.0]) == 0.5
    assert spread([{"a": 1.0}, {"a": 3.0}], ["a"]) == {"a": {"mean": 2.0, "sd": 1.0}}


def test_the_limit_leaves_the_stated_share_of_known_inputs_outside() -> None:
    rng = np.random.default_rng(2)
    known, held = rng.normal(0, 1, (60, 8)).astype(np.float32), rng.normal(0, 1, (200, 8)).astype(np.float32)
    for refused in (0.0, 0.05, 0.2):
        found = learn(known, held, margin=1.0, refused=refused)
        assert np.mean([found.distance(one) > found.limit for one in held]) == pytest.approx(refused, abs=0.006)


def test_a_stranger_is_farther_than_every_known_input_and_the_file_says_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    known = rng.normal(3, 2, (80, 12)).astype(np.float32)
    found = learn(known[:60], known[60:])
    assert all(found.distance(one) <= found.limit for one in known)
    stranger = np.full(12, 20, dtype=np.float32)
    assert found.distance(stranger) > found.limit
    Thresholds(Scoring(1.5, -0.2, 0.4), found).save(tmp_path / "thresholds.npz")
    read = load_thresholds(tmp_path / "thresholds.npz")
    assert read.scoring == Scoring(1.5, -0.2, 0.4)
    assert read.familiarity.distance(stranger) == pytest.approx(found.distance(stranger))
