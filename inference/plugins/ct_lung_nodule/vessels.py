"""Branching tubes: vessels, airways and scar-like bands, drawn as chains of tapering capsules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inference.plugins.ct_lung_nodule.fields import Field, Space

Tubes = Field
# a chain ends below this radius in mm
THINNEST = 0.55
LONGEST_CHAIN = 60


def draw_vessels(rng: np.random.Generator, room: Space, hila: tuple[Field, Field], lungs: Field) -> Tubes:
    """Arteries and veins from both hila to the pleura: how much of each cell they fill."""
    tubes = np.zeros(room.shape, dtype=np.float32)
    for sign, hilum in zip((-1, 1), hila, strict=True):
        for _ in range(int(rng.integers(9, 17))):
            direction = unit(np.array([sign * rng.uniform(0.2, 1), rng.normal(0, 0.7), rng.normal(0, 0.8)]))
            grow(rng, tubes, room, (hilum + rng.normal(0, 6, 3), direction), float(rng.uniform(1.8, 5.5)))
    for start in random_places(rng, room, lungs, int(rng.integers(30, 110))):
        grow(rng, tubes, room, (start, unit(rng.normal(0, 1, 3))), float(rng.uniform(0.7, 1.8)))
    return tubes


def draw_bands(rng: np.random.Generator, room: Space, lungs: Field) -> Tubes:
    """A few straight scars, longer than wide by far: no nodule."""
    tubes = np.zeros(room.shape, dtype=np.float32)
    for start in random_places(rng, room, lungs, int(rng.integers(0, 5))):
        end = start + unit(rng.normal(0, 1, 3)) * rng.uniform(15, 40)
        capsule(tubes, room, (start, end), (float(rng.uniform(0.6, 1.6)),) * 2)
    return tubes


def draw_airways(rng: np.random.Generator, room: Space, hila: tuple[Field, Field], top: float) -> tuple[Tubes, Tubes]:
    """Windpipe and the first bronchi: outer walls and the air inside, how much of each cell they fill."""
    outer, inner = (np.zeros(room.shape, dtype=np.float32) for _ in range(2))
    fork = (hila[0] + hila[1]) / 2 + np.array([0, 0, rng.uniform(15, 30)])
    radius = float(rng.uniform(6.5, 9.5))
    for part, wall in ((outer, 1.2), (inner, 0.0)):
        capsule(part, room, (np.array([0, fork[1] - 8, top + 40]), fork), (radius + wall, radius + wall))
        for hilum in hila:
            capsule(part, room, (fork, hilum), (0.75 * radius + wall, 0.5 * radius + wall))
    for hilum in hila:
        for direction in rng.normal(0, 1, (5, 3)):
            way = unit(direction + np.array([0.8 * np.sign(hilum[0]), 0, 0]))
            end = hilum + way * rng.uniform(25, 55)
            size = float(rng.uniform(1.4, 3.2))
            capsule(outer, room, (hilum, end), (size + 0.9, 0.6 * size + 0.7))
            capsule(inner, room, (hilum, end), (size, 0.6 * size))
    return outer, inner


def grow(rng: np.random.Generator, tubes: Tubes, room: Space, start: tuple[Field, Field], radius: float) -> None:
    """One vessel and its branches: it bends, tapers and forks until it is too thin to show."""
    at, direction = start
    for _ in range(LONGEST_CHAIN):
        if radius < THINNEST:
            return
        to = at + direction * (3 + 3.2 * radius)
        slim = radius * float(rng.uniform(0.84, 0.97))
        capsule(tubes, room, (at, to), (radius, slim))
        if radius > 0.9 and rng.random() < 0.34:
            aside = unit(direction + rng.normal(0, 0.65, 3))
            grow(rng, tubes, room, (to, aside), slim * float(rng.uniform(0.5, 0.8)))
        at, direction, radius = to, unit(direction + rng.normal(0, 0.16, 3)), slim


def capsule(tubes: Tubes, room: Space, ends: tuple[Field, Field], radii: tuple[float, float]) -> None:
    """A tapering rod with round ends, in place; the largest share of a cell wins."""
    window = box_of(room, ends, max(radii) + 1.5)
    if window is None:
        return
    slices, rows, columns = window
    points = room.z[slices], room.y[:, rows], room.x[:, :, columns]
    start, along = ends[0], ends[1] - ends[0]
    square = max(float(along @ along), 1e-6)
    offsets = [part - np.float32(s) for part, s in zip(points, start[::-1], strict=True)]
    dot = sum(part * np.float32(a) for part, a in zip(offsets, along[::-1], strict=True))
    share = np.clip(dot / np.float32(square), 0, 1)
    apart = sum((part - share * np.float32(a)) ** 2 for part, a in zip(offsets, along[::-1], strict=True))
    radius = np.float32(radii[0]) + share * np.float32(radii[1] - radii[0])
    filled = np.clip((radius - np.sqrt(apart)) / np.float32(1.2) + np.float32(0.5), 0, 1)
    np.maximum(tubes[window], filled, out=tubes[window])


def box_of(room: Space, ends: tuple[Field, Field], margin: float) -> tuple[slice, slice, slice] | None:
    """The cells around a rod; `None` where it lies outside of the box."""
    corners = np.stack(ends)
    low, high = room.cell(corners.min(axis=0) - margin), room.cell(corners.max(axis=0) + margin)
    parts = [slice(max(0, int(a)), min(size, int(b) + 2)) for a, b, size in zip(low, high, room.shape, strict=True)]
    if any(part.start >= part.stop for part in parts):
        return None
    return parts[0], parts[1], parts[2]


def random_places(rng: np.random.Generator, room: Space, lungs: Field, count: int) -> Iterator[Field]:
    """Random points (x, y, z) in mm inside the lungs."""
    found = 0
    while found < count:
        cell = tuple(int(rng.integers(size)) for size in room.shape)
        if lungs[cell] > 0.9:
            found += 1
            yield np.array([room.x[0, 0, cell[2]], room.y[0, cell[1], 0], room.z[cell[0], 0, 0]])


def unit(vector: Field) -> Field:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
