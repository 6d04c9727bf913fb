"""The contract suite over the chest CT plugin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from inference.plugins.contract import PluginContract, Sample, image_sample
from inference.plugins.ct_lung_nodule import plugin
from tests.inference.plugins.ct_lung_nodule.scans import inputs_of, normal_scan, sample_scan

pytestmark = pytest.mark.database_free


class TestCtLungNodule(PluginContract):
    """Every rule of the contract."""

    plugin = plugin

    def samples(self) -> Sequence[Sample]:
        noise = np.random.default_rng(1).normal(-300, 300, (30, 160, 160)).astype(np.float32)
        return [
            Sample("nodules", *inputs_of(sample_scan().hu[40:80])),
            Sample("no nodule", *inputs_of(normal_scan().hu[40:80])),
            Sample("noise", *inputs_of(noise), refused=True),
            Sample("a head", *inputs_of(noise, body_part="HEAD"), refused=True),
            Sample("few slices", *inputs_of(noise[:5]), refused=True),
            image_sample("a picture", np.zeros((200, 200), np.float32), refused=True),
        ]
