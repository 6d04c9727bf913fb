"""Inserted nodules: solid, part-solid, ground-glass and calcified ones, with lobes and spicules, some at the pleura."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.plugins.ct_lung_nodule.fields import Field, Space
from inference.plugins.ct_lung_nodule.thorax import Thorax
from inference.plugins.ct_lung_nodule.vessels import box_of, unit

# diameters in mm of the ball of the same volume
SMALLEST, LARGEST = 4.0, 30.0
KINDS = ("solid", "part_solid", "ground_glass", "calcified")
KIND_SHARES = (0.5, 0.17, 0.2, 0.13)
# a nodule counts as visible where this share of it replaces aerated lung
AERATED, LEAST_AERATED = -500.0, 0.6
TRIES = 12


@dataclass(frozen=True, slots=True)
class Nodule:
    """A known nodule: number in the label volume, kind, and diameter in mm of the ball of its volume."""

    number: int
    kind: str
    diameter: float


def insert_nodules(
    rng: np.random.Generator, thorax: Thorax, count: int
) -> tuple[NDArray[np.uint8], tuple[Nodule, ...]]:
    """Add up to `count` nodules to the density, in place; returns their labels (from 1) and what they are."""
    labels = np.zeros(thorax.hu.shape, dtype=np.uint8)
    placed: list[Nodule] = []
    for _ in range(count):
        kind = str(rng.choice(KINDS, p=KIND_SHARES))
        size = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        for _ in range(TRIES):
            nodule = try_place(rng, thorax, labels, (kind, size, len(placed) + 1))
            if nodule:
                placed.append(nodule)
                break
    return labels, tuple(placed)


def try_place(
    rng: np.random.Generator, thorax: Thorax, labels: NDArray[np.uint8], wish: tuple[str, float, int]
) -> Nodule | None:
    """Place one nodule of (kind, diameter, number) at random where it can be seen; `None` where it can not."""
    kind, size, number = wish
    cell = tuple(int(rng.integers(side)) for side in thorax.lungs.shape)
    if thorax.lungs[cell] < 0.5:
        return None
    room = thorax.room
    centre = np.array([room.x[0, 0, cell[2]], room.y[0, cell[1], 0], room.z[cell[0], 0, 0]])
    window = box_of(room, (centre, centre), size * 0.9 + 4)
    assert window is not None
    radius = shape_radius(rng, room, window, centre, size)
    body = radius < 1
    under = thorax.hu[window]
    if not body.any() or labels[window].any() or (under[body] < AERATED).mean() < LEAST_AERATED:
        return None
    under[...] = densify(rng, under, radius, kind, size)
    labels[window][body] = number
    volume = float(body.sum()) * room.inside**2 * room.between
    return Nodule(number, kind, float((6 * volume / np.pi) ** (1 / 3)))


def shape_radius(
    rng: np.random.Generator, room: Space, window: tuple[slice, slice, slice], centre: Field, size: float
) -> Field:
    """Distance from the centre in units of the surface: a turned ellipsoid with lobes, at times with spicules."""
    axes = np.exp(rng.normal(0, 0.13, 3))
    axes *= 0.5 * size / np.prod(axes) ** (1 / 3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    slices, rows, columns = window
    x, y, z = room.x[:, :, columns] - centre[0], room.y[:, rows] - centre[1], room.z[slices] - centre[2]
    parts = [(turn[n, 0] * x + turn[n, 1] * y + turn[n, 2] * z) / np.float32(axes[n]) for n in range(3)]
    radius = np.sqrt(sum(part**2 for part in parts))
    swell = np.ones_like(radius)
    for _ in range(3):
        way, amplitude = unit(rng.normal(size=3)), rng.uniform(-0.18, 0.18)
        cosine = sum(part * np.float32(w) for part, w in zip(parts, way, strict=True)) / np.maximum(radius, 1e-3)
        swell += np.float32(amplitude) * cosine * np.abs(cosine)
    if size > 8 and rng.random() < 0.3:
        swell += spicules(rng, parts, radius)
    return np.asarray(radius / swell, dtype=np.float32)


def spicules(rng: np.random.Generator, parts: list[Field], radius: Field) -> Field:
    """Thin rays that reach beyond the body."""
    rays = np.zeros_like(radius)
    for _ in range(int(rng.integers(4, 10))):
        way = unit(rng.normal(size=3))
        cosine = sum(part * np.float32(w) for part, w in zip(parts, way, strict=True)) / np.maximum(radius, 1e-3)
        rays = np.maximum(rays, np.clip((cosine - 0.93) / 0.07, 0, 1) * np.float32(rng.uniform(0.1, 0.35)))
    return rays


def densify(rng: np.random.Generator, under: Field, radius: Field, kind: str, size: float) -> Field:
    """The density with the nodule in it. Ground glass adds to the lung, so that vessels show through."""
    share = rim(radius, float(np.clip(1.4 / size, 0.06, 0.3)) * (2.0 if kind == "ground_glass" else 1.0))
    if kind in ("ground_glass", "part_solid"):
        veiled = np.maximum(under, under + share * np.float32(rng.uniform(200, 380)) * (under < AERATED / 2))
        if kind == "ground_glass":
            return veiled
        core = rim(radius / np.float32(rng.uniform(0.5, 0.72)), float(np.clip(2 / size, 0.1, 0.4)))
        return np.asarray(veiled + core * np.clip(np.float32(rng.uniform(10, 60)) - veiled, 0, None))
    solid = np.float32(rng.uniform(0, 80))
    made = under + share * np.clip(solid - under, 0, None)
    if kind == "calcified":
        reach = float(rng.uniform(0.7, 1.0))
        made = made + rim(radius / np.float32(reach), 0.25) * np.clip(np.float32(rng.uniform(350, 900)) - made, 0, None)
    return np.asarray(made, dtype=np.float32)


def rim(radius: Field, width: float) -> Field:
    """1 inside, 0 outside, half at radius 1."""
    return np.asarray(np.clip((1 - radius) / np.float32(2 * width) + np.float32(0.5), 0, 1))
