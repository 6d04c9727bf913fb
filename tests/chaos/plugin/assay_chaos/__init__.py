"""A plugin without TensorFlow that takes its time, and kills its process when it is told to."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from inference.domain.errors import UnsupportedInput
from inference.domain.report import Label, Prediction, Report
from inference.domain.study import Inputs, PixelReader
from inference.plugins.base import Accepted, Batching, InputPort, Manifest, Plugin, SelfTest, Text, Validation

TEXT = Text(en="For tests of faults", zh_hans="用于故障测试")


class Chaos(Plugin[str, str]):
    """`params.kind`: fine, refused or poison."""

    manifest = Manifest(
        slug="chaos",
        version="1.0.0",
        title=TEXT,
        description=TEXT,
        intended_use=TEXT,
        disclaimer=TEXT,
        inputs=(InputPort("image", "image", ("image/png",)),),
        output_schema={"type": "object"},
        params_schema={"type": "object", "properties": {"kind": {"enum": ["fine", "refused", "poison"]}}},
        unit="image",
        batching=Batching(max_items=4),
    )

    def validate(self, inputs: Inputs) -> Validation:
        return Accepted()

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(1)

    def load(self, artefacts: Path) -> None:
        return None

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[str]:
        if inputs.params.get("kind") == "refused":
            raise UnsupportedInput("This analysis can not read the study.")
        return [str(inputs.params.get("kind"))]

    def predict(self, batch: Sequence[str]) -> Sequence[str]:
        threading.Event().wait(float(os.environ.get("CHAOS_SECONDS", "0.3")) * random.uniform(0.2, 1))
        if "poison" in batch:
            os.kill(os.getpid(), signal.SIGKILL)
        return list(batch)

    def postprocess(self, inputs: Inputs, samples: Sequence[str], outputs: Sequence[str]) -> Report:
        return Report("predictions", predictions=(Prediction("x", (Label("1", "one", 1.0),)),))

    def self_test(self) -> SelfTest:
        return SelfTest(True, "nothing to test")


plugin = Chaos()
