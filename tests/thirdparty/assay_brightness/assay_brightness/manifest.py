"""What the analysis declares about itself."""

from __future__ import annotations

from inference.plugins.base import InputPort, Manifest, Text

LARGEST_STUDY = 50

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
OUTPUT_SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"const": "predictions"},
        "measures": {
            "type": "object",
            "properties": {"mean_brightness": SHARE, "darkest_image": SHARE, "brightest_image": SHARE},
            "required": ["mean_brightness", "darkest_image", "brightest_image"],
        },
    },
    "required": ["status", "measures"],
}

MANIFEST = Manifest(
    slug="brightness",
    version="1.0.0",
    title=Text(en="Brightness", zh_hans="亮度测量"),
    description=Text(
        en="Measures the mean brightness of images, as a share of the full range.",
        zh_hans="测量图像的平均亮度,以满量程的比例表示。",
    ),
    intended_use=Text(en="Finding under- and overexposed scans.", zh_hans="查找曝光不足或过度的扫描件。"),
    disclaimer=Text(en="A figure of the file, not a measurement of light.", zh_hans="数值来自文件本身,并非光度测量。"),
    inputs=(InputPort("image", "image", ("image/png", "image/jpeg"), max_items=LARGEST_STUDY),),
    output_schema=OUTPUT_SCHEMA,
    unit="image",
)
