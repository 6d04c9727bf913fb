"""Variations keep the digit and change the hand."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.digits import augment as module
from inference.plugins.digits.augment import augment, sample
from tests.inference.plugins.digits.drawings import golden

pytestmark = pytest.mark.database_free


def images() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.stack([golden(digit) for digit in range(10)]) / np.float32(255)


def test_a_variation_has_the_shape_range_and_about_the_ink_of_its_image() -> None:
    varied = augment(images(), np.random.default_rng(0))
    assert varied.shape == images().shape
    assert varied.dtype == np.float32
    assert 0 <= varied.min() <= varied.max() <= 1
    assert varied.sum(axis=(1, 2)) == pytest.approx(images().sum(axis=(1, 2)), rel=0.4)


def test_the_same_seed_gives_the_same_variations_and_the_next_draw_others() -> None:
    rng = np.random.default_rng(1)
    first, second = augment(images(), rng), augment(images(), rng)
    assert np.array_equal(first, augment(images(), np.random.default_rng(1)))
    assert not np.array_equal(first, second)


def test_without_strength_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LARGEST_TURN", "LARGEST_SLANT", "LARGEST_SCALING", "LARGEST_SHIFT", "BEND"):
        monkeypatch.setattr(module, name, 0)
    np.testing.assert_allclose(augment(images(), np.random.default_rng(0)), images(), atol=1e-5)


def test_values_between_pixels_are_weighted_and_outside_is_black() -> None:
    image = np.array([[[0, 1], [2, 3]]], np.float32)
    rows, columns = (np.array([[[0.5, 1.0, -5.0]]], np.float32), np.array([[[0.5, 0.5, 9.0]]], np.float32))
    assert sample(image, rows, columns).tolist() == [[[1.5, 2.5, 0.0]]]
