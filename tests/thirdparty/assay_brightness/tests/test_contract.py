"""The contract suite over this plugin, and what is the plugin's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from assay_brightness import plugin

from inference.plugins.contract import PluginContract, Sample, image_sample, loaded, run

WHITE, BLACK = np.full((20, 30), 255.0, np.float32), np.zeros((40, 10, 3), np.float32)


class TestContract(PluginContract):
    """Every rule of the contract."""

    plugin = plugin

    def samples(self) -> Sequence[Sample]:
        return [
            image_sample("a white sheet", WHITE),
            image_sample("a white and a black one", WHITE, BLACK),
            image_sample("no image", refused=True),
        ]


def test_the_mean_lies_between_the_extremes() -> None:
    report = run(loaded(plugin), [image_sample("both", WHITE, BLACK)])[0]
    assert report.measures == {
        "mean_brightness": pytest.approx(0.5),
        "darkest_image": 0.0,
        "brightest_image": pytest.approx(1.0),
    }
