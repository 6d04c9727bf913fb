"""What the digits analysis declares about itself."""

from __future__ import annotations

from inference.plugins.base import Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.training.card import CARD_FILE

DIGITS = "0123456789"
MODEL_FILE = "model.keras"
GOLDEN_FILE = "golden.npz"
LARGEST_STUDY = 100

LABEL_SCHEMA = {
    "type": "object",
    "properties": {
        "code": {"enum": list(DIGITS)},
        "name": {"type": "string"},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["code", "name", "probability"],
}
PREDICTION_SCHEMA = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "description": "The id of the image."},
        "labels": {"type": "array", "items": LABEL_SCHEMA, "minItems": 10, "maxItems": 10},
    },
    "required": ["item", "labels"],
}
OUTPUT_SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"const": "predictions"},
        "predictions": {"type": "array", "items": PREDICTION_SCHEMA, "minItems": 1},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["status", "predictions"],
}

MANIFEST = Manifest(
    slug="digits",
    version="1.0.0",
    title=Text(en="Handwritten digit", zh_hans="手写数字识别"),
    description=Text(
        en="Tells which digit, 0 to 9, an image shows, with a probability for each of the ten.",
        zh_hans="判断图像中是 0 到 9 的哪个数字,并给出十个数字各自的概率。",
    ),
    intended_use=Text(
        en="One handwritten digit on a plain background per image: a form field, a meter card, a sketch.",
        zh_hans="每张图像只含一个写在纯色背景上的手写数字,例如表格栏位、抄表卡或手绘。",
    ),
    disclaimer=Text(
        en="Have a person check digits that decide about money or safety.",
        zh_hans="涉及金额或安全的数字请由人工复核。",
    ),
    inputs=(InputPort("image", "image", ("image/png", "image/jpeg"), max_items=LARGEST_STUDY),),
    output_schema=OUTPUT_SCHEMA,
    unit="image",
    resources=Resources(memory_mb=1024, deadline_seconds=60),
    batching=Batching(max_items=32),
    artefacts=(Artefact(MODEL_FILE), Artefact(GOLDEN_FILE), Artefact(CARD_FILE)),
)
