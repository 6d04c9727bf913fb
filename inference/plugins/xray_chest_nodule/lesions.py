"""Inserted opacities: what the model learns to find. Drawn into attenuation, so that bone and vessels show through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.xray_chest_nodule.fields import Plane, noise, step

# diameters in pixels of a field of 256: about 7 to 87 mm on a film 35 cm wide
SMALLEST, LARGEST = 5.0, 64.0
# the outline of a blurred ball lies where it has lost half of its strength
OUTLINE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Lesion:
    """Place (row, column) and half axes in pixels, direction of the long one, and the strength of its shadow."""

    centre: tuple[float, float]
    radii: tuple[float, float]
    turn: float
    strength: float


@dataclass(frozen=True, slots=True)
class Stamp:
    """A lesion's shadow with the window of the image in which it lies."""

    rows: slice
    columns: slice
    shadow: Plane
    outline: NDArray[np.bool_]


def random_lesions(rng: np.random.Generator, allowed: Plane, strengths: tuple[float, float]) -> list[Lesion]:
    """None to a dozen lesions whose centres lie where `allowed` (side, side) exceeds a half."""
    places = np.flatnonzero(allowed > 0.5)
    if not len(places):
        return []
    crowd = rng.random()
    count = int(rng.integers(1, 4)) if crowd < 0.72 else int(rng.integers(4, 13))
    centres = [divmod(int(place), allowed.shape[1]) for place in rng.choice(places, count)]
    scale = allowed.shape[0] / 256
    return [random_lesion(rng, centre, scale, strengths) for centre in centres]


def random_lesion(
    rng: np.random.Generator, centre: tuple[int, int], scale: float, strengths: tuple[float, float]
) -> Lesion:
    """One lesion; a small one is fainter, since its shadow is as deep as it is wide."""
    diameter = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    length = float(rng.uniform(1.0, 1.35)) if rng.random() < 0.8 else float(rng.uniform(1.35, 1.9))
    radii = (0.5 * diameter * scale * length**0.5, 0.5 * diameter * scale / length**0.5)
    depth = np.clip(0.45 + diameter / 45, 0.45, 1.0)
    low, high = strengths
    strength = float(depth * (low + (high - low) * rng.random() ** 1.3))
    place = (centre[0] + float(rng.uniform(-0.5, 0.5)), centre[1] + float(rng.uniform(-0.5, 0.5)))
    return Lesion(place, radii, float(rng.uniform(0, np.pi)), strength)


def stamp(rng: np.random.Generator, lesion: Lesion, side: int) -> Stamp:
    """The shadow of a lesion in an image of `side` pixels: lobed, of varied edge and texture, at times hollow."""
    reach = lesion.radii[0] * 1.6 + 3
    rows, columns = (window(place, reach, side) for place in lesion.centre)
    down, right = np.mgrid[rows, columns].astype(np.float32)
    down, right = down - np.float32(lesion.centre[0]), right - np.float32(lesion.centre[1])
    radius = lobed_radius(rng, down, right, lesion)
    shadow = profile(rng, radius, lesion.radii[1])
    outline = shadow > OUTLINE_SHARE * shadow.max(initial=0.0)
    shadow = hollow(rng, shadow, radius) if rng.random() < 0.1 and lesion.radii[1] > 7 else shadow
    grain = noise(rng, side, 1.6)[: shadow.shape[0], : shadow.shape[1]] * np.float32(rng.uniform(0, 0.2))
    textured = np.asarray(shadow * (1 + grain) * np.float32(lesion.strength), dtype=np.float32)
    return Stamp(rows, columns, textured, outline)


def window(place: float, reach: float, side: int) -> slice:
    return slice(max(0, int(place - reach)), min(side, int(place + reach) + 2))


def lobed_radius(rng: np.random.Generator, down: Plane, right: Plane, lesion: Lesion) -> Plane:
    """Distance from the centre in units of the outline, which is an ellipse with a few random lobes."""
    cos, sin = np.float32(np.cos(lesion.turn)), np.float32(np.sin(lesion.turn))
    along = (cos * right + sin * down) / np.float32(lesion.radii[0])
    across = (cos * down - sin * right) / np.float32(lesion.radii[1])
    angle = np.arctan2(across, along)
    swell = np.ones_like(angle)
    for lobes in (2, 3, 5):
        amplitude = np.float32(rng.uniform(0, 0.16) / lobes**0.5)
        swell += amplitude * np.cos(np.float32(lobes) * angle + np.float32(rng.uniform(0, 6.3)))
    return np.asarray(np.hypot(along, across) / swell, dtype=np.float32)


def profile(rng: np.random.Generator, radius: Plane, half_width: float) -> Plane:
    """Strength 0..1 by distance: from a ball's chord to a flat disk, with an edge from crisp to woolly."""
    flatness = np.float32(rng.uniform(0.25, 0.7))
    dome = np.clip(1 - radius**2, 0, 1) ** flatness
    edge = float(np.clip(rng.uniform(0.1, 0.5), 1.5 / max(half_width, 1.5), 1.0))
    woolly = step(1 - radius, edge)
    mix = np.float32(rng.uniform(0, 1))
    return np.asarray(mix * dome + (1 - mix) * woolly, dtype=np.float32)


def hollow(rng: np.random.Generator, shadow: Plane, radius: Plane) -> Plane:
    """A cavity: air in the middle of the lesion."""
    hole = step(np.float32(rng.uniform(0.3, 0.6)) - radius, 0.3)
    return np.asarray(shadow * (1 - np.float32(rng.uniform(0.3, 0.8)) * hole), dtype=np.float32)
