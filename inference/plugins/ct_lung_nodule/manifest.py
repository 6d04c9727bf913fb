"""What the chest CT analysis declares about itself."""

from __future__ import annotations

from inference.plugins.base import Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.plugins.ct_lung_nodule.density import NAMES, code_of
from inference.plugins.segmentation.scans import GOLDEN_FILE, MODEL_FILE, THRESHOLDS_FILE
from inference.plugins.segmentation.schema import report_schema
from inference.training.card import CARD_FILE

LARGEST_SERIES = 1500
FINDING_TYPES = tuple(code_of(slug, None) for slug in NAMES)
SCORE = "Calibrated on drawn scans, from the highest probability inside the outline."

# what the follow-up table asks of the patient; where an order does not say, both branches are told
PARAMS = {
    "type": "object",
    "properties": {"risk": {"enum": ["low", "high"], "description": "the patient's risk of lung cancer, if known"}},
    "additionalProperties": False,
}

MANIFEST = Manifest(
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
    disclaimer=Text(
        en="Not a medical device, not for clinical use. A radiologist must read every image.",
        zh_hans="本产品不是医疗器械,不得用于临床。每张影像都必须由放射科医师判读。",
    ),
    inputs=(InputPort("series", "dicom_series", ("application/dicom",), ("CT",), max_items=LARGEST_SERIES),),
    output_schema=report_schema([one.slug for one in FINDING_TYPES], 3, ("PixelSpacing",), SCORE),
    params_schema=PARAMS,
    unit="series",
    medical=True,
    resources=Resources(memory_mb=2048, deadline_seconds=300),
    batching=Batching(max_items=1),
    artefacts=(Artefact(MODEL_FILE), Artefact(THRESHOLDS_FILE), Artefact(GOLDEN_FILE), Artefact(CARD_FILE)),
    finding_types=FINDING_TYPES,
)
