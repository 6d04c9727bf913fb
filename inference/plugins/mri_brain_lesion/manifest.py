"""What the brain MR analysis declares about itself."""

from __future__ import annotations

from inference.domain.report import Code
from inference.plugins.base import Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.plugins.segmentation.scans import GOLDEN_FILE, MODEL_FILE, THRESHOLDS_FILE
from inference.plugins.segmentation.schema import report_schema
from inference.training.card import CARD_FILE

LARGEST_SERIES = 600
LESION_OF_BRAIN = "301766008"
NAMES = {
    "lesion.t1_hypointense": "T1-hypointense lesion of brain",
    "lesion.t1_bright": "T1-bright lesion of brain (enhancing, if contrast was given)",
}
SCORE = "Calibrated on lesions drawn into real heads, from the highest probability inside the outline."


def code_of(slug: str) -> Code:
    """SNOMED CT knows the lesion; its brightness stands in slug and display."""
    return Code(LESION_OF_BRAIN, "SCT", NAMES[slug], slug)


FINDING_TYPES = tuple(map(code_of, NAMES))
MANIFEST = Manifest(
    slug="mri-brain-lesion",
    version="1.0.0",
    title=Text(en="Brain MR: lesions on T1", zh_hans="脑部 MR:T1 病灶"),
    description=Text(
        en="Outlines lesions of the brain on T1-weighted MR, dark and bright, each with place, size, volume and score.",
        zh_hans="在脑部 T1 加权 MR 上勾画低信号与高信号病灶,并给出每一处的位置、大小、体积和分值。",
    ),
    intended_use=Text(
        en="Demonstration and research on T1-weighted head MR of adults. Trained on lesions drawn into one real head.",
        zh_hans="用于成人头部 T1 加权 MR 的演示与研究。模型以在一个真实头部影像中合成的病灶训练。",
    ),
    disclaimer=Text(
        en="Not a medical device, not for clinical use. A radiologist must read every image.",
        zh_hans="本产品不是医疗器械,不得用于临床。每张影像都必须由放射科医师判读。",
    ),
    inputs=(InputPort("series", "dicom_series", ("application/dicom",), ("MR",), max_items=LARGEST_SERIES),),
    output_schema=report_schema([one.slug for one in FINDING_TYPES], 3, ("PixelSpacing",), SCORE),
    unit="series",
    medical=True,
    resources=Resources(memory_mb=2048, deadline_seconds=300),
    batching=Batching(max_items=1),
    artefacts=(Artefact(MODEL_FILE), Artefact(THRESHOLDS_FILE), Artefact(GOLDEN_FILE), Artefact(CARD_FILE)),
    finding_types=FINDING_TYPES,
)
