"""The contract suite over the chest radiograph plugin."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread

from inference.plugins.contract import PluginContract, Sample, image_sample
from inference.plugins.xray_chest_nodule import plugin

pytestmark = pytest.mark.database_free
SIDE = 512


def film() -> NDArray[np.float32]:
    """The real chest film as an 8-bit picture in which bone is bright."""
    package: Any = importlib.util.find_spec("data_store")
    stored = dcmread(Path(package.origin).parent / "data" / "RG1_UNCR.dcm").pixel_array.astype(np.float32)
    grey = 255 * (stored.max() - stored) / np.ptp(stored)
    return np.asarray(Image.fromarray(grey).resize((SIDE, SIDE)), dtype=np.float32).round()


class TestChestNodule(PluginContract):
    """Every rule of the contract."""

    plugin = plugin

    def samples(self) -> Sequence[Sample]:
        noise = np.random.default_rng(1).uniform(0, 255, (SIDE, SIDE)).astype(np.float32).round()
        return [
            image_sample("a chest", film()),
            image_sample("two chests", film(), film()[:, ::-1].copy()),
            image_sample("no image", refused=True),
            image_sample("too small", film()[:64, :64].copy(), refused=True),
            image_sample("blank", np.full((SIDE, SIDE), 100.0, np.float32), refused=True),
            image_sample("noise", noise, refused=True),
        ]
