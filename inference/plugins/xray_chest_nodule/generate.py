"""Training images: opacities inserted into drawn chests, other pictures and the operator's own normal films.

Sample `index` of seed `seed` is the same on every machine with the same libraries, whoever draws it and in what order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.segmentation.samples import Column, Series
from inference.plugins.xray_chest_nodule.anatomy import draw_thorax
from inference.plugins.xray_chest_nodule.clutter import distractors
from inference.plugins.xray_chest_nodule.fields import Plane, noise, smooth_field
from inference.plugins.xray_chest_nodule.lesions import Lesion, random_lesions, stamp
from inference.plugins.xray_chest_nodule.preprocess import FIELD
from inference.plugins.xray_chest_nodule.scenes import cut, draw_scene, read_grey

Byte = NDArray[np.uint8]
Tone = Callable[[Plane], Plane]

OPACITY, LUNG = 1, 2
CHEST_SHARE = 0.66
OWN_SHARE = 0.5
LESION_SHARE_CHEST, LESION_SHARE_SCENE = 0.66, 0.5
CHEST_STRENGTHS = (0.1, 0.5)
SCENE_STRENGTHS = (0.12, 0.6)
# what a person can see: a shadow that lifts the shown grey by this share of its range, and by this many standard
# deviations of the grey around it; a fainter one is neither drawn nor labelled
VISIBLE_LIFT, VISIBLE_CONTRAST = 0.06, 1.0
STRONGER = 1.8
CHUNK = 100
COLUMNS = (
    Column("images", (FIELD, FIELD), "uint8"),
    Column("labels", (FIELD, FIELD), "uint8"),
    Column("chests", (), "bool"),
)
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})


@dataclass(frozen=True, slots=True)
class Example:
    """An image (side, side), its labels as bits `OPACITY` and `LUNG`, and whether it is a chest."""

    image: Byte
    labels: Byte
    chest: bool


def draw_example(seed: int, index: int, own: Sequence[Plane] = (), side: int = FIELD) -> Example:
    """Sample `index` of a series; `own` are normal films of the operator."""
    rng = np.random.default_rng([seed, index])
    lot = rng.random()
    if lot >= CHEST_SHARE:
        return scene_example(rng, draw_scene(rng, side), chest=False)
    if own and lot < CHEST_SHARE * OWN_SHARE:
        return scene_example(rng, cut(rng, own[int(rng.integers(len(own)))], side, smallest=0.85), chest=True)
    return chest_example(rng, side)


def chest_example(rng: np.random.Generator, side: int) -> Example:
    """A drawn chest. Lesions also lie behind the heart, where they are harder to see."""
    thorax = draw_thorax(rng, side)
    clutter = distractors(rng, side)
    base = thorax.attenuation + clutter
    tone = random_tone(rng, thorax.attenuation)
    lesions = random_lesions(rng, thorax.lungs, CHEST_STRENGTHS) if rng.random() < LESION_SHARE_CHEST else []
    density, opacity = insert(rng, base, lesions, tone)
    labels = opacity * OPACITY + (thorax.lungs > 0.5) * LUNG
    return finish(rng, tone(density), labels.astype(np.uint8), chest=True)


def scene_example(rng: np.random.Generator, picture: Plane, chest: bool) -> Example:
    """Another picture; its opacities lie anywhere. Of an operator's film the lungs are not known."""
    side = picture.shape[0]
    base = picture + distractors(rng, side)
    everywhere = np.ones_like(base)
    lesions = random_lesions(rng, everywhere, SCENE_STRENGTHS) if rng.random() < LESION_SHARE_SCENE else []
    tone = random_tone(rng, picture)
    density, opacity = insert(rng, base, lesions, tone)
    return finish(rng, tone(density), opacity.astype(np.uint8) * np.uint8(OPACITY), chest)


def insert(rng: np.random.Generator, base: Plane, lesions: list[Lesion], tone: Tone) -> tuple[Plane, NDArray[np.bool_]]:
    """Add the lesions that can be seen; returns the density and the mask of their outlines."""
    density, mask = base.copy(), np.zeros(base.shape, dtype=bool)
    for lesion in lesions:
        shade = stamp(rng, lesion, base.shape[0])
        place = (shade.rows, shade.columns)
        for shadow in (shade.shadow, shade.shadow * np.float32(STRONGER)):
            if is_visible(density[place], shadow, shade.outline, tone):
                density[place] += shadow
                mask[place] |= shade.outline
                break
    return density, mask


def is_visible(under: Plane, shadow: Plane, outline: NDArray[np.bool_], tone: Tone) -> bool:
    """Whether a person could see the shadow over what lies under it; both in the window of the lesion."""
    if not outline.any() or outline.all():
        return False
    shown = tone(under)
    lift = float((tone(under + shadow) - shown)[outline].mean())
    return lift > VISIBLE_LIFT and lift > VISIBLE_CONTRAST * float(shown[~outline].std())


def random_tone(rng: np.random.Generator, density: Plane) -> Tone:
    """A tone curve fitted to the image: linear, bent, or S-shaped as film is."""
    low, high = np.percentile(density[::4, ::4], (rng.uniform(0, 6), rng.uniform(94, 100)))
    low, span = np.float32(low), np.float32(max(high - low, 1e-3))
    gamma, steepness = np.float32(np.exp(rng.uniform(-0.5, 0.5))), np.float32(rng.uniform(3, 8))
    film = rng.random() < 0.4

    def tone(values: Plane) -> Plane:
        share = (values - low) / span
        if film:
            return np.asarray(1 / (1 + np.exp(-steepness * (share - np.float32(0.5)))), dtype=np.float32)
        return np.asarray(np.clip(share, 0, 1) ** gamma, dtype=np.float32)

    return tone


def finish(rng: np.random.Generator, shown: Plane, labels: Byte, chest: bool) -> Example:
    """Blur, grain and borders of a real receptor; at random mirrored; 8 bits."""
    from scipy import ndimage

    side = shown.shape[0]
    image = ndimage.gaussian_filter(shown, float(rng.uniform(0.3, 1.0))) if rng.random() < 0.6 else shown
    image = image + noise(rng, side, 0.0) * np.float32(rng.uniform(0, 0.03) * (rng.random() < 0.8))
    image = image + smooth_field(rng, side, 3) * np.float32(rng.uniform(0, 0.05))
    if rng.random() < 0.3:
        image, labels = with_borders(rng, image, labels)
    low, high = np.percentile(image[::4, ::4], (0.2, 99.8))
    levels = np.clip((image - np.float32(low)) / np.float32(max(high - low, 1e-3)), 0, 1) * np.float32(255)
    return Example(levels.round().astype(np.uint8), labels, chest)


def with_borders(rng: np.random.Generator, image: Plane, labels: Byte) -> tuple[Plane, Byte]:
    """Strips of one grey at one or more sides, as collimators and square padding leave them."""
    side = image.shape[0]
    grey = np.float32(rng.choice((image.min(), image.max(), rng.random())))
    inside = np.zeros(image.shape, dtype=bool)
    top, bottom, left, right = (int(value) for value in rng.uniform(0, 0.14, 4) * side * (rng.random(4) < 0.5))
    inside[top : side - bottom, left : side - right] = True
    return np.where(inside, image, grey), np.where(inside, labels, 0).astype(np.uint8)


@functools.cache
def own_films(folder: Path | None) -> list[Plane]:
    """The operator's normal films: every PNG and JPEG of the folder, by name, in grey 0..1."""
    if folder is None:
        return []
    return [read_grey(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES]


def film_series(folder: Path, seed: int, count: int, backgrounds: Path | None = None) -> Series:
    """A series of drawn films on disk."""
    return Series(folder, count, COLUMNS, functools.partial(columns_of, seed, backgrounds), chunk=CHUNK)


def columns_of(seed: int, backgrounds: Path | None, index: int) -> Mapping[str, Any]:
    """One film as columns."""
    example = draw_example(seed, index, own_films(backgrounds))
    return {"images": example.image, "labels": example.labels, "chests": example.chest}
