"""Pictures that are no chest: textures, photographs, a limb, drawn phantoms, screens and noise.

The model learns from them that an opacity is an added blob and not a place in a chest, and that these have no lungs.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from inference.plugins.segmentation.packages import package_folder
from inference.plugins.xray_chest_nodule.fields import (
    Plane,
    band,
    chord,
    ellipse,
    noise,
    random_frame,
    smooth_field,
    step,
)

# CC0 or public domain by the notes in skimage.data; pictures used to try the gate must not stand here
PICTURES = (
    "brick.png",
    "grass.png",
    "gravel.png",
    "camera.png",
    "moon.png",
    "cell.png",
    "page.png",
    "retina.jpg",
    "text.png",
)
LIMB_FILE = Path("data", "RG3_UNCR.dcm")
Scene = Callable[[np.random.Generator, int], Plane]


def draw_scene(rng: np.random.Generator, side: int) -> Plane:
    """One picture without a chest, (side, side), values about 0..1."""
    kinds: tuple[tuple[Scene, float], ...] = (
        (cut_picture, 0.3),
        (cut_limb, 0.15 if limb() is not None else 0.0),
        (phantom, 0.25),
        (hills, 0.14),
        (screen, 0.06),
        (plain_noise, 0.1),
    )
    weights = np.array([weight for _, weight in kinds])
    chosen = int(rng.choice(len(kinds), p=weights / weights.sum()))
    return unit_range(kinds[chosen][0](rng, side))


def unit_range(image: Plane) -> Plane:
    low, high = np.percentile(image[::4, ::4], (0.5, 99.5))
    return np.asarray((image - np.float32(low)) / np.float32(max(high - low, 1e-3)), dtype=np.float32)


@functools.cache
def pictures() -> tuple[Plane, ...]:
    """The free pictures that scikit-image carries, in grey, 0..1."""
    return tuple(read_grey(path) for path in picture_paths())


def picture_paths() -> list[Path]:
    folder = package_folder("skimage")
    paths = [folder / "data" / name for name in PICTURES] if folder else []
    return [path for path in paths if path.exists()]


def limb_path() -> Path | None:
    """The radiograph of a lower leg in the package pydicom-data, where that is installed."""
    folder = package_folder("data_store")
    path = folder / LIMB_FILE if folder else None
    return path if path is not None and path.exists() else None


@functools.cache
def limb() -> Plane | None:
    """The lower leg, bone bright, 0..1, at half its resolution."""
    path = limb_path()
    if path is None:
        return None
    import pydicom

    dataset: Any = pydicom.dcmread(path)
    raw = dataset.pixel_array.astype(np.float32)
    return np.asarray(1 - raw[::2, ::2] / raw.max(), dtype=np.float32)


def read_grey(path: Path) -> Plane:
    with Image.open(path) as image:
        image.thumbnail((1200, 1200))
        return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def sources() -> dict[str, str]:
    """Name and SHA-256 of every real picture that training draws from."""
    limb_file = limb_path()
    paths = [*picture_paths(), *([limb_file] if limb_file else [])]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def cut_picture(rng: np.random.Generator, side: int) -> Plane:
    return cut(rng, pictures()[int(rng.integers(len(pictures())))], side, smallest=0.2)


def cut_limb(rng: np.random.Generator, side: int) -> Plane:
    found = limb()
    assert found is not None
    return cut(rng, found, side, smallest=0.3)


def cut(rng: np.random.Generator, picture: Plane, side: int, smallest: float) -> Plane:
    """A random square of a picture, turned by quarters and at random mirrored or made negative."""
    height, width = picture.shape
    edge = int(min(height, width) * rng.uniform(smallest, 1.0))
    top, left = int(rng.integers(0, height - edge + 1)), int(rng.integers(0, width - edge + 1))
    box = (left, top, left + edge, top + edge)
    turned = np.rot90(resize_square(picture, box, side), int(rng.integers(4)))
    turned = turned[:, ::-1] if rng.random() < 0.5 else turned
    return 1 - turned if rng.random() < 0.4 else turned


def resize_square(picture: Plane, box: tuple[int, int, int, int], side: int) -> Plane:
    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(resized, dtype=np.float32)


def phantom(rng: np.random.Generator, side: int) -> Plane:
    """Overlapping bodies and bars: limbs, heads, slices, or nothing that has a name."""
    frame = random_frame(rng, side, zoom=(0.8, 2.0), warp=float(rng.uniform(0, 0.15)))
    layer = np.zeros_like(frame.x)
    for _ in range(int(rng.integers(1, 4))):
        layer += phantom_body(
            rng, ellipse(frame, tuple(rng.uniform(-0.4, 0.4, 2)), tuple(rng.uniform(0.2, 1.1, 2)), rng.uniform(0, 3))
        )
    for _ in range(int(rng.integers(0, 5))):
        slope, start = rng.uniform(-1.5, 1.5), rng.uniform(-0.7, 0.7)
        lean = frame.y if rng.random() < 0.5 else frame.x
        across = frame.x + frame.y - lean - np.float32(slope) * lean - np.float32(start)
        layer += band(
            across / np.float32(np.hypot(1, slope)), float(rng.uniform(0.02, 0.25)), float(rng.uniform(0, 1.5))
        ) * np.float32(rng.uniform(0.1, 0.7))
    return layer + noise(rng, side, 1.6) * np.float32(rng.uniform(0, 0.08))


def phantom_body(rng: np.random.Generator, inside: Plane) -> Plane:
    """One body: solid like a limb, or a shell like a skull."""
    solid = chord(inside) if rng.random() < 0.5 else step(1 - inside, 0.1)
    shell = band(np.sqrt(inside) - np.float32(0.95), float(rng.uniform(0.03, 0.12)), 0.0) * np.float32(
        rng.uniform(0, 1.2)
    )
    return np.asarray((solid + shell) * np.float32(rng.uniform(0.2, 1.0)), dtype=np.float32)


def hills(rng: np.random.Generator, side: int) -> Plane:
    """Smooth unevenness over noise, crossed by thin curves."""
    layer = smooth_field(rng, side, int(rng.integers(2, 12))) * np.float32(rng.uniform(0.2, 1.0))
    layer += noise(rng, side, 2.2) * np.float32(rng.uniform(0, 0.4))
    frame = random_frame(rng, side, zoom=(0.7, 2.0), warp=0.1)
    spacing = rng.uniform(0.1, 0.5)
    wave = np.sin((frame.y + np.float32(rng.uniform(-0.5, 0.5)) * frame.x**2) * np.float32(6.28 / spacing))
    return layer + np.clip(wave, 0, 1) * np.float32(rng.uniform(0, 0.6))


def screen(rng: np.random.Generator, side: int) -> Plane:
    """Flat panels with lines of marks: documents and screenshots."""
    canvas = Image.new("L", (side, side), int(rng.integers(0, 256)))
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(2, 10))):
        x, y, width, height = (int(value) for value in rng.integers(0, side, 4))
        pen.rectangle((x, y, x + width, y + height // 2), fill=int(rng.integers(0, 256)))
    for row in range(int(rng.integers(5, 20)), side, int(rng.integers(7, 20))):
        words = rng.integers(4, 40, 12).cumsum()
        for start, end in zip(words[::2], words[1::2], strict=True):
            pen.line(
                (int(start), row, int(end) - 3, row), fill=int(rng.integers(0, 256)), width=int(rng.integers(2, 5))
            )
    return np.asarray(canvas, dtype=np.float32) / np.float32(255) + noise(rng, side, 0.0) * np.float32(0.004)


def plain_noise(rng: np.random.Generator, side: int) -> Plane:
    """Noise of one colour, sometimes coarse."""
    from scipy import ndimage

    layer = noise(rng, side, float(rng.choice((0.0, 0.0, 1.0, 1.6, 2.2))))
    return ndimage.gaussian_filter(layer, float(rng.uniform(0.5, 6))) if rng.random() < 0.3 else layer
