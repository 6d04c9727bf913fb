"""What the chest CT analysis declares about itself."""

from __future__ import annotations

from inference.plugins.base import Text
from inference.plugins.ct_lung_nodule.density import NAMES, code_of
from inference.plugins.segmentation.manifest import series_manifest

LARGEST_SERIES = 1500
FINDING_TYPES = tuple(code_of(slug, None) for slug in NAMES)

# what the follow-up table asks of the patient; where an order does not say, both branches are told
PARAMS = {
    "type": "object",
    "properties": {"risk": {"enum": ["low", "high"], "description": "the patient's risk of lung cancer, if known"}},
    "additionalProperties": False,
}

MANIFEST = series_manifest(
    slug="ct-lung-nodule",
    version="1.0.0",
    title=Text(en="Chest CT: lung nodules", zh_hans="胸部 CT:肺结节"),
    description=Text(
        en="Outlines nodules of the lungs on chest CT, each with place, size, volume, density class and score.",
        zh_hans="在胸部 CT 上勾画肺结节,并给出每一处的位置、大小、体积、密度类型和分值。",
    ),
    intended_use=Text(
        en="Demonstration and research on axial chest CT of adults. Trained on drawn scans.",
        zh_hans="用于成人胸部轴位 CT 的演示与研究。模型以合成影像训练。",
    ),
    modality="CT",
    largest_series=LARGEST_SERIES,
    types=FINDING_TYPES,
    score="Calibrated on drawn scans, from the highest probability inside the outline.",
    params_schema=PARAMS,
)
