"""From probabilities to the report that the customer reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Label, Prediction, Report
from inference.domain.study import InstanceHeader
from inference.plugins.digits.manifest import DIGITS

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def build_report(
    instances: Sequence[InstanceHeader], outputs: Sequence[NDArray[np.float32]], doubtful_below: float
) -> Report:
    """One prediction per image, in the order of the images; each output holds ten probabilities."""
    predictions = tuple(rank(header.id, row) for header, row in zip(instances, outputs, strict=True))
    return Report(status="predictions", predictions=predictions, notes=tuple(doubts(predictions, doubtful_below)))


def rank(item: str, probabilities: NDArray[np.float32]) -> Prediction:
    """All ten labels, most probable first."""
    order = np.argsort(-probabilities, kind="stable")
    return Prediction(item, tuple(Label(DIGITS[i], NAMES[i], float(probabilities[i])) for i in order))


def doubts(predictions: Sequence[Prediction], doubtful_below: float) -> Iterator[str]:
    """A sentence for each image whose best label is less probable than the model card's threshold."""
    for number, prediction in enumerate(predictions, start=1):
        best = prediction.labels[0]
        if best.probability < doubtful_below:
            yield f"Image {number} is doubtful: {best.code} is the best guess, with probability {best.probability:.2f}."
