"""The analysis behind the plugin contract."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from assay_brightness.evaluate import compare_with_golden
from assay_brightness.gate import judge_headers
from assay_brightness.manifest import MANIFEST
from assay_brightness.postprocess import build_report
from assay_brightness.preprocess import brightness
from inference.domain.report import Report
from inference.domain.study import Inputs, InstanceHeader, PixelReader
from inference.plugins.base import Plugin, SelfTest, Validation


class Analysis(Plugin[float, float]):
    """A sample is the brightness of one image, and so is an output."""

    manifest = MANIFEST

    def validate(self, inputs: Inputs) -> Validation:
        return judge_headers(inputs.study)

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(len(instances_of(inputs)))

    def load(self, artefacts: Path) -> None:
        """There is no model to read."""

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[float]:
        return [brightness(pixels(header), header) for header in instances_of(inputs)]

    def predict(self, batch: Sequence[float]) -> Sequence[float]:
        return batch

    def postprocess(self, inputs: Inputs, samples: Sequence[float], outputs: Sequence[float]) -> Report:
        return build_report(outputs)

    def self_test(self) -> SelfTest:
        return compare_with_golden(self.predict)


def instances_of(inputs: Inputs) -> tuple[InstanceHeader, ...]:
    """The images of the job; none where it has no study."""
    return inputs.study.instances if inputs.study else ()
