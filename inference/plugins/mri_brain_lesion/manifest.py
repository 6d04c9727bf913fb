"""What the brain MR analysis declares about itself."""

from __future__ import annotations

from inference.domain.report import Code
from inference.plugins.base import Text
from inference.plugins.segmentation.manifest import series_manifest

LARGEST_SERIES = 600
LESION_OF_BRAIN = "301766008"
NAMES = {
    "lesion.t1_hypointense": "T1-hypointense lesion of brain",
    "lesion.t1_bright": "T1-bright lesion of brain (enhancing, if contrast was given)",
}


def code_of(slug: str) -> Code:
    """SNOMED CT knows the lesion; its brightness stands in slug and display."""
    return Code(LESION_OF_BRAIN, "SCT", NAMES[slug], slug)


FINDING_TYPES = tuple(map(code_of, NAMES))

MANIFEST = series_manifest(
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
    modality="MR",
    largest_series=LARGEST_SERIES,
    types=FINDING_TYPES,
    score="Calibrated on lesions drawn into real heads, from the highest probability inside the outline.",
)
