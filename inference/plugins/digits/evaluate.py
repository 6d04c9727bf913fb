"""How good the digits model is: figures for the model card, and the self-test on golden digits. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import InstanceHeader
from inference.plugins.base import SelfTest
from inference.plugins.digits.data import Part
from inference.plugins.digits.preprocess import prepare_image

Probabilities = NDArray[np.float32]
Predict = Callable[[NDArray[np.float32]], Probabilities]
Draw = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]

CLASSES = 10
BINS = 10
# processors of several kinds differ in the last digits of a float32 sum, never by this much
GOLDEN_TOLERANCE = 1e-3
TRUSTED_ACCURACY = 0.995
PAPER, INK, ENLARGED = 235.0, 40.0, 5


def figures(predict: Predict, test: Part) -> dict[str, Any]:
    """Accuracy with its 95 % interval, recall per digit, calibration error, and accuracy as served."""
    probabilities = predict(test.images)
    right = probabilities.argmax(axis=1) == test.labels
    return {
        "test_images": len(test),
        "test_accuracy": round(float(right.mean()), 4),
        "test_accuracy_interval_95": wilson_interval(int(right.sum()), len(test)),
        "recall_by_digit": {str(d): round(float(right[test.labels == d].mean()), 4) for d in range(CLASSES)},
        "calibration_error": round(calibration_error(probabilities, test.labels), 4),
        "as_served_accuracy": round(served_accuracy(predict, test, as_tile), 4),
        "on_paper_accuracy": round(served_accuracy(predict, test, as_sketch), 4),
    }


def wilson_interval(hits: int, count: int) -> list[float]:
    """The 95 % interval of a share by Wilson's score."""
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return [round((middle + sign * spread) / (1 + z * z / count), 4) for sign in (-1, 1)]


def calibration_error(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """Expected calibration error of the best label over `BINS` equal bins: 0 is perfect."""
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((best * BINS).astype(np.int64), BINS - 1)
    gaps = [abs(float(right[bins == b].sum() - best[bins == b].sum())) for b in range(BINS)]
    return sum(gaps) / len(labels)


def best_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature with the least negative log likelihood on validation data."""
    candidates = np.geomspace(0.5, 3.0, 61)
    return round(float(min(candidates, key=lambda t: mean_surprise(logits / t, labels))), 4)


def mean_surprise(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean negative log likelihood of the true labels, in nats."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=1))
    return float((normaliser - shifted[np.arange(len(labels)), labels]).mean())


def doubt_threshold(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """The lowest bound above which validation images are right in `TRUSTED_ACCURACY` of the cases."""
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    for bound in np.arange(0.5, 1.0, 0.01):
        above = right[best >= bound]
        if len(above) and above.mean() >= TRUSTED_ACCURACY:
            return round(float(bound), 2)
    return 0.99


def served_accuracy(predict: Predict, test: Part, draw: Draw) -> float:
    """Accuracy when the test digits come as images drawn by `draw`, through the plugin's own preparation."""
    rng = np.random.default_rng(0)
    sheets = (draw(image, rng) for image in test.images)
    fields = [prepare_image(sheet, header_of(sheet), number) for number, sheet in enumerate(sheets, start=1)]
    return float((predict(np.stack(fields)).argmax(axis=1) == test.labels).mean())


def header_of(sheet: NDArray[np.float32]) -> InstanceHeader:
    """The header of an 8-bit grey image."""
    return InstanceHeader("sheet", "image/png", "", rows=sheet.shape[0], columns=sheet.shape[1])


def as_tile(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The digit as it stands in MNIST, 28 x 28 pixels of 0 to 255."""
    return image * np.float32(255)


def as_sketch(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The digit dark and enlarged, anywhere on a sheet of light grey, grainy paper; pixels of 0 to 255."""
    large = np.kron(image, np.ones((ENLARGED, ENLARGED), dtype=np.float32))
    top, bottom, left, right = rng.integers(5, 80, 4)
    sheet = np.pad(large, ((top, bottom), (left, right)))
    pixels = PAPER + (INK - PAPER) * sheet + rng.normal(0, 3, sheet.shape)
    return np.clip(pixels, 0, 255).round().astype(np.float32)


def write_golden(path: Path, predict: Predict, test: Part) -> None:
    """Keep one well recognised test image of each digit with what the model says about it."""
    probabilities = predict(test.images)
    sure = probabilities[np.arange(len(test)), test.labels]
    chosen = np.array([np.where(test.labels == digit, sure, -1).argmax() for digit in range(CLASSES)])
    images = (test.images[chosen] * 255).round().astype(np.uint8)
    np.savez_compressed(path, images=images, labels=test.labels[chosen], probabilities=probabilities[chosen])


def compare_with_golden(predict: Predict, path: Path) -> SelfTest:
    """Run the model on its golden digits and compare with what it said when it was trained."""
    with np.load(path, allow_pickle=False) as golden:
        seen = predict(golden["images"].astype(np.float32) / np.float32(255))
        apart = float(np.abs(seen - golden["probabilities"]).max())
        hits = int((seen.argmax(axis=1) == golden["labels"]).sum())
    passed = hits == CLASSES and apart <= GOLDEN_TOLERANCE
    return SelfTest(passed, f"{hits} of {CLASSES} golden digits recognised, probabilities at most {apart:.1e} apart")
