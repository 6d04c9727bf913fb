"""What the chest radiograph analysis declares about itself."""

from __future__ import annotations

from inference.domain.report import Code
from inference.plugins.base import Artefact, Batching, InputPort, Manifest, Resources, Text
from inference.plugins.segmentation.schema import report_schema
from inference.training.card import CARD_FILE

MODEL_FILE = "model.keras"
THRESHOLDS_FILE = "thresholds.npz"
GOLDEN_FILE = "golden.npz"
MODALITIES = ("CR", "DX")
LARGEST_STUDY = 8

NODULE = Code("27925004", "SCT", "Nodule", "opacity.nodule")
MASS = Code("4147007", "SCT", "Mass", "opacity.mass")
FINDING_TYPES = (NODULE, MASS)
SPACING_SOURCES = ("PixelSpacing", "ImagerPixelSpacing", "none")
SCORE = "Calibrated on drawn chests, from the highest probability inside the outline."

MANIFEST = Manifest(
    slug="xray-chest-nodule",
    version="2.0.0",
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
    output_schema=report_schema([one.slug for one in FINDING_TYPES], 2, SPACING_SOURCES, SCORE),
    unit="image",
    medical=True,
    resources=Resources(memory_mb=1536, deadline_seconds=120),
    batching=Batching(max_items=8),
    artefacts=(Artefact(MODEL_FILE), Artefact(THRESHOLDS_FILE), Artefact(GOLDEN_FILE), Artefact(CARD_FILE)),
    finding_types=FINDING_TYPES,
)
