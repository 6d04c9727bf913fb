"""Inserted lesions: dark ones as of old infarcts, bright ones solid or as rings; and vessels, which are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.mri_brain_lesion.fields import Field, Window, blob, offsets, rim, unit, window_around

# diameters in mm of the ball of the same volume
SMALLEST, LARGEST = 4.0, 40.0
KINDS = ("hypointense", "bright")
HYPOINTENSE_SHARE, RING_SHARE = 0.5, 0.45
# contrast of a lesion with what it replaces, as a share of the step from fluid to white matter
CONTRASTS = (0.5, 1.1)
# a lesion is placed where at least these shares of it replace tissue, and lie in the brain
LEAST_TISSUE, LEAST_INSIDE = 0.75, 0.95
TRIES = 20


@dataclass(frozen=True, slots=True)
class Tissue:
    """A drawn head: brightness, brain, spacing (slices, rows, columns) in mm, levels of fluid, grey, white matter."""

    values: Field
    brain: NDArray[np.bool_]
    spacing: Field
    levels: tuple[float, float, float]

    @property
    def step(self) -> float:
        return self.levels[2] - self.levels[0]


@dataclass(frozen=True, slots=True)
class Inserted:
    """A known lesion: number in the label volume, kind, and diameter in mm of the ball of its volume."""

    number: int
    kind: str
    diameter: float


def insert_lesions(
    rng: np.random.Generator, head: Tissue, count: int, distance: float
) -> tuple[NDArray[np.uint8], tuple[Inserted, ...]]:
    """Add up to `count` lesions to the brightness, in place; returns their labels (from 1) and what they are.

    None is smaller than the distance of the slices (mm): such a lesion fades in the slice that holds it.
    """
    labels = np.zeros(head.values.shape, dtype=np.uint8)
    places = np.flatnonzero(head.brain)
    placed: list[Inserted] = []
    for _ in range(count):
        kind = KINDS[int(rng.random() > HYPOINTENSE_SHARE)]
        size = float(np.exp(rng.uniform(np.log(max(SMALLEST, distance)), np.log(LARGEST))))
        for _ in range(TRIES):
            cell = np.array(np.unravel_index(int(rng.choice(places)), labels.shape), dtype=float)
            lesion = try_place(rng, head, labels, (cell, kind, size, len(placed) + 1))
            if lesion:
                placed.append(lesion)
                break
    return labels, tuple(placed)


def try_place(
    rng: np.random.Generator, head: Tissue, labels: NDArray[np.uint8], wish: tuple[Field, str, float, int]
) -> Inserted | None:
    """Place one lesion of (cell, kind, diameter, number); `None` where it would not lie in tissue of its own."""
    cell, kind, size, number = wish
    window = window_around(cell, 1.1 * size + 4, head.spacing, labels.shape)
    radius = blob(rng, offsets(window, cell, head.spacing), size)
    body = radius < 1
    under = head.values[window]
    is_tissue = under > (head.levels[0] + head.levels[1]) / 2
    crowded = labels[window][radius < 1.3].any()
    if not body.any() or crowded or head.brain[window][body].mean() < LEAST_INSIDE:
        return None
    if is_tissue[body].mean() < LEAST_TISSUE:
        return None
    under[...] = shaded(rng, head, under, radius, (kind, size, float(under[body].mean())))
    labels[window][body] = number
    volume = float(body.sum() * np.prod(head.spacing))
    return Inserted(number, kind, float((6 * volume / np.pi) ** (1 / 3)))


def shaded(
    rng: np.random.Generator, head: Tissue, under: Field, radius: Field, lesion: tuple[str, float, float]
) -> Field:
    """The brightness with a lesion of (kind, diameter, mean of what it replaces) in it."""
    kind, size, usual = lesion
    share = rim(radius, float(np.clip(rng.uniform(0.7, 2.0) / size, 0.05, 0.3)))
    contrast = float(rng.uniform(*CONTRASTS)) * head.step
    grain = 1 + 0.06 * rng.standard_normal(under.shape, dtype=np.float32)
    fluid, _, white = head.levels
    if kind == "hypointense":
        target = max(usual - contrast, 0.9 * fluid)
        return np.asarray(under + share * (target * grain - under))
    halo = rim(radius / np.float32(rng.uniform(1.3, 1.8)), 0.3) * np.float32(halo_depth(rng, size) * head.step)
    made = np.maximum(under - halo * (under > usual * 0.8), np.minimum(under, fluid))
    made = made + share * ((max(usual, white) + contrast) * grain - made)
    if size > 8 and rng.random() < RING_SHARE:
        # the wall stays at least 2 mm thick
        inner = float(rng.uniform(0.45, max(0.5, min(0.8, 1 - 4 / size))))
        core = rim(radius / np.float32(inner), float(np.clip(1.5 / size, 0.05, 0.3)))
        made = made + core * ((fluid + rng.uniform(0, 0.6) * head.step) * grain - made)
    return np.asarray(made)


def halo_depth(rng: np.random.Generator, size: float) -> float:
    """How dark the swelling around a bright lesion is: faint, and not part of the lesion."""
    return float(rng.uniform(0.05, 0.25)) if size > 10 and rng.random() < 0.35 else 0.0


def add_vessels(rng: np.random.Generator, head: Tissue) -> None:
    """Short bright rods up to 3 mm thick, in place: enhancing vessels, no lesions."""
    places = np.flatnonzero(head.brain)
    for _ in range(int(rng.integers(0, 12))):
        cell = np.array(np.unravel_index(int(rng.choice(places)), head.brain.shape), dtype=float)
        add_rod(rng, head, cell, float(rng.uniform(0.6, 1.4)))


def add_rod(rng: np.random.Generator, head: Tissue, cell: Field, thickness: float) -> None:
    """One rod of this radius in mm."""
    length = float(rng.uniform(12, 40))
    window: Window = window_around(cell, length / 2 + 3, head.spacing, head.brain.shape)
    apart = offsets(window, cell, head.spacing)
    way = unit(rng.normal(size=3))
    along = np.clip(sum(a * np.float32(w) for a, w in zip(apart, way, strict=True)), -length / 2, length / 2)
    beside = np.sqrt(sum((a - along * np.float32(w)) ** 2 for a, w in zip(apart, way, strict=True)))
    filled = np.clip((thickness - beside) / 1.2 + 0.5, 0, 1) * head.brain[window]
    bright = head.levels[2] + float(rng.uniform(0.2, 0.9)) * head.step
    under = head.values[window]
    under += np.asarray(filled * np.maximum(bright - under, 0), dtype=np.float32)
