"""What the chest radiograph analysis declares about itself."""

from __future__ import annotations

from inference.plugins.base import Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.training.card import CARD_FILE

MODEL_FILE = "model.keras"
GATE_FILE = "gate.npz"
GOLDEN_FILE = "golden.npz"
MODALITIES = ("CR", "DX")
LARGEST_STUDY = 8

NUMBER = {"type": "number"}
NUMBER_OR_NULL = {"type": ["number", "null"]}
POSITIVE_OR_NULL = {"type": ["number", "null"], "exclusiveMinimum": 0}
CODE_SCHEMA = {
    "type": "object",
    "properties": {
        "code": {"enum": ["27925004", "4147007"]},
        "scheme": {"const": "SCT"},
        "display": {"type": "string"},
        "slug": {"enum": ["opacity.nodule", "opacity.mass"]},
    },
    "required": ["code", "scheme", "display", "slug"],
}
SITE_SCHEMA = {
    "type": ["object", "null"],
    "properties": {
        "code": {"enum": ["3341006", "44029006"]},
        "display": {"type": "string"},
        "laterality": {"enum": ["R", "L"]},
    },
    "required": ["code", "scheme", "display", "laterality"],
}
LOCATION_SCHEMA = {
    "type": "object",
    "properties": {
        "site": SITE_SCHEMA,
        "centroid_px": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
        "bbox_px": {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4},
        "instances": {"type": "array", "minItems": 1},
    },
    "required": ["site", "centroid_px", "bbox_px", "instances"],
}
SIZE_SCHEMA = {
    "type": "object",
    "properties": {
        "long_axis_px": {"type": "number", "exclusiveMinimum": 0},
        "short_axis_px": {"type": "number", "exclusiveMinimum": 0},
        "long_axis_mm": POSITIVE_OR_NULL,
        "short_axis_mm": POSITIVE_OR_NULL,
        "mean_diameter_mm": POSITIVE_OR_NULL,
        "area_mm2": POSITIVE_OR_NULL,
        "volume_mm3": {"type": "null"},
        "spacing_source": {"enum": ["PixelSpacing", "ImagerPixelSpacing", "none"]},
    },
    "required": ["long_axis_px", "short_axis_px", "spacing_source"],
}
FINDING_SCHEMA = {
    "type": "object",
    "properties": {
        "tracking_uid": {"type": "string", "pattern": r"^2\.25\.[0-9]+$"},
        "type": CODE_SCHEMA,
        "score": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Calibrated on drawn chests, from the highest probability inside the outline.",
        },
        "location": LOCATION_SCHEMA,
        "size": SIZE_SCHEMA,
        "truncated": {"type": "boolean"},
        "contours": {"type": "array", "minItems": 1},
    },
    "required": ["tracking_uid", "type", "score", "location", "size", "truncated", "contours"],
}
OUTPUT_SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"enum": ["findings", "no_findings"]},
        "findings": {"type": "array", "items": FINDING_SCHEMA},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["status", "findings", "notes"],
}

MANIFEST = Manifest(
    slug="xray-chest-nodule",
    version="1.0.0",
    title=Text(en="Chest radiograph: nodules and masses", zh_hans="胸部 X 线:结节与肿块"),
    description=Text(
        en="Marks round opacities of the lungs on frontal chest radiographs, each with place, outline, size and score.",
        zh_hans="在胸部正位 X 线片上标出肺部圆形致密影,并给出每一处的位置、轮廓、大小和分值。",
    ),
    intended_use=Text(
        en="Demonstration and research on frontal (PA or AP) chest radiographs of adults. Trained on drawn images.",
        zh_hans="用于成人胸部正位(后前位或前后位)X 线片的演示与研究。模型以合成图像训练。",
    ),
    disclaimer=Text(
        en="Not a medical device, not for clinical use. A radiologist must read every image.",
        zh_hans="本产品不是医疗器械,不得用于临床。每张影像都必须由放射科医师判读。",
    ),
    inputs=(
        InputPort("film", "dicom_series", ("application/dicom",), MODALITIES, max_items=LARGEST_STUDY, required=False),
        InputPort("picture", "image", ("image/png", "image/jpeg"), max_items=LARGEST_STUDY, required=False),
    ),
    output_schema=OUTPUT_SCHEMA,
    unit="image",
    medical=True,
    resources=Resources(memory_mb=1536, deadline_seconds=120),
    batching=Batching(max_items=8),
    artefacts=(Artefact(MODEL_FILE), Artefact(GATE_FILE), Artefact(GOLDEN_FILE), Artefact(CARD_FILE)),
)
