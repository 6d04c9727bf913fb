"""The network's shape: local contrasts in, maps of opacity and lung out, and whether the picture is a chest."""

from __future__ import annotations

from inference.plugins.segmentation.network import Design
from inference.plugins.xray_chest_nodule.preprocess import CHANNELS

OPACITY_MAP, LUNG_MAP = 0, 1
CHEST_FLAG = 0
DESIGN = Design("xray_chest_nodule", CHANNELS, ("opacity", "lung"), ("chest",), widths=(12, 16, 32, 48, 64, 80))
