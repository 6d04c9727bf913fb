"""The contract suite over the brain MR plugin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from inference.plugins.contract import PluginContract, Sample, image_sample
from inference.plugins.mri_brain_lesion import plugin
from tests.inference.plugins.mri_brain_lesion.scans import inputs_of, normal_scan, sample_scan

pytestmark = pytest.mark.database_free


class TestMriBrainLesion(PluginContract):
    """Every rule of the contract."""

    plugin = plugin

    def samples(self) -> Sequence[Sample]:
        noise = np.random.default_rng(1).uniform(0, 900, (30, 160, 160)).astype(np.float32)
        return [
            Sample("lesions", *inputs_of(sample_scan().values[20:64])),
            Sample("no lesion", *inputs_of(normal_scan().values[20:64])),
            Sample("noise", *inputs_of(noise), refused=True),
            Sample("a knee", *inputs_of(noise, body_part="KNEE"), refused=True),
            Sample("few slices", *inputs_of(noise[:5]), refused=True),
            image_sample("a picture", np.zeros((200, 200), np.float32), refused=True),
        ]
