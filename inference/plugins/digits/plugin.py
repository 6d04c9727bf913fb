"""The digits analysis behind the plugin contract."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Report
from inference.domain.study import Inputs, InstanceHeader, PixelReader
from inference.plugins.base import Plugin, SelfTest, TrainingOptions, Validation
from inference.plugins.digits.evaluate import compare_with_golden
from inference.plugins.digits.gate import judge_headers
from inference.plugins.digits.manifest import GOLDEN_FILE, MANIFEST, MODEL_FILE
from inference.plugins.digits.model import Predict, compile_predict, load_model
from inference.plugins.digits.postprocess import build_report
from inference.plugins.digits.preprocess import prepare_image
from inference.plugins.digits.train import train
from inference.training.card import CARD_FILE

Field = NDArray[np.float32]


class Digits(Plugin[Field, Field]):
    """A sample is a field (28, 28) of 0 to 1, an output ten probabilities; both float32."""

    manifest = MANIFEST
    _predict: Predict
    _artefacts: Path
    _doubtful_below: float

    def validate(self, inputs: Inputs) -> Validation:
        return judge_headers(inputs.study)

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(len(instances_of(inputs)))

    def load(self, artefacts: Path) -> None:
        card = json.loads((artefacts / CARD_FILE).read_text(encoding="utf-8"))
        self._predict = compile_predict(load_model(artefacts / MODEL_FILE), card["calibration"]["temperature"])
        self._doubtful_below = card["thresholds"]["doubtful_below"]
        self._artefacts = artefacts

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[Field]:
        numbered = enumerate(instances_of(inputs), start=1)
        return [prepare_image(pixels(header), header, number) for number, header in numbered]

    def predict(self, batch: Sequence[Field]) -> Sequence[Field]:
        return list(self._predict(np.stack(batch)))

    def postprocess(self, inputs: Inputs, samples: Sequence[Field], outputs: Sequence[Field]) -> Report:
        return build_report(instances_of(inputs), outputs, self._doubtful_below)

    def self_test(self) -> SelfTest:
        return compare_with_golden(self._predict, self._artefacts / GOLDEN_FILE)

    def train(self, options: TrainingOptions) -> None:
        train(options)


def instances_of(inputs: Inputs) -> tuple[InstanceHeader, ...]:
    """The images of the job; none where it has no study."""
    return inputs.study.instances if inputs.study else ()
