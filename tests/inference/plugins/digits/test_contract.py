"""The contract suite over the digits plugin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from inference.plugins.contract import PluginContract, Sample, image_sample
from inference.plugins.digits import plugin
from tests.inference.plugins.digits import drawings

pytestmark = pytest.mark.database_free


class TestDigits(PluginContract):
    """Every rule of the contract."""

    plugin = plugin

    def samples(self) -> Sequence[Sample]:
        return [
            image_sample("a tile of MNIST", drawings.golden(4)),
            image_sample("three sketches", *(drawings.on_paper(digit) for digit in (2, 7, 9))),
            image_sample("blue ink", drawings.in_blue_ink(5)),
            image_sample("no image", refused=True),
            image_sample("blank", np.full((40, 40), 255.0, np.float32), refused=True),
            image_sample("noise", drawings.noise(), refused=True),
        ]
