"""The smallest plugin that keeps the contract."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from inference.domain.report import Report
from inference.domain.study import Inputs, PixelReader
from inference.plugins.base import Accepted, InputPort, Manifest, Plugin, Refused, SelfTest, Text, Validation

TEXT = Text(en="A stub", zh_hans="存根")


def stub_manifest(**changes: Any) -> Manifest:
    """A valid manifest but for the changes."""
    values: dict[str, Any] = {
        "slug": "stub",
        "version": "1.0.0",
        "title": TEXT,
        "description": TEXT,
        "intended_use": TEXT,
        "disclaimer": TEXT,
        "inputs": (InputPort("image", "image", ("image/png",)),),
        "output_schema": {"type": "object"},
        "unit": "image",
    }
    return Manifest(**(values | changes))


class StubPlugin(Plugin[float, float]):
    """Gives the mean of the first image."""

    manifest = stub_manifest()

    def validate(self, inputs: Inputs) -> Validation:
        return Accepted() if inputs.study and inputs.study.instances else Refused("unsupported_input", "No image.")

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(1)

    def load(self, artefacts: Path) -> None:
        return None

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[float]:
        assert inputs.study
        return [float(pixels(inputs.study.instances[0]).mean())]

    def predict(self, batch: Sequence[float]) -> Sequence[float]:
        return [value / 255 for value in batch]

    def postprocess(self, inputs: Inputs, samples: Sequence[float], outputs: Sequence[float]) -> Report:
        return Report(status="predictions", measures={"mean": outputs[0]})

    def self_test(self) -> SelfTest:
        return SelfTest(self.predict([255.0]) == [1.0], "white is 1")
