"""Drawn thoraxes in Hounsfield units: body wall, bones, mediastinum, lungs with their vessels and airways.

Sizes and densities follow adult anatomy loosely and vary far more than it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.plugins.ct_lung_nodule.fields import Field, Space, ellipse_depth, soft, space
from inference.plugins.ct_lung_nodule.vessels import Tubes, draw_airways, draw_bands, draw_vessels
from inference.plugins.segmentation.fields import smooth

AIR, FAT, SOFT = -1000.0, -100.0, 45.0
EDGE = 1.6


@dataclass(frozen=True, slots=True)
class Chest:
    """One drawn patient, in mm: half width and half depth of the inside of the rib cage, height of the lungs."""

    width: float
    depth: float
    height: float
    base: float
    wall: float
    middle: float


@dataclass(frozen=True, slots=True)
class Thorax:
    """Density without noise (HU), lungs (0..1), and the space in which both lie."""

    hu: Field
    lungs: Field
    room: Space


def draw_thorax(rng: np.random.Generator, shape: tuple[int, int, int], inside: float, between: float) -> Thorax:
    """A thorax that fills about the given box."""
    room = space(shape, inside, between)
    chest = random_chest(rng, room)
    cage = cage_depth(chest, room)
    lungs = soft(lung_depth(rng, chest, room, cage), EDGE)
    hu = outside_of_lungs(rng, chest, room, cage)
    parenchyma = lung_density(rng, room)
    hu += lungs * (parenchyma - hu)
    add_tubes(hu, lungs, draw_vessels(rng, room, hila(chest), lungs), float(rng.uniform(20, 160)))
    airways = draw_airways(rng, room, hila(chest), chest.base + chest.height)
    add_airways(hu, airways)
    add_tubes(hu, lungs, draw_bands(rng, room, lungs), float(rng.uniform(-300, 0)))
    return Thorax(hu, lungs, room)


def random_chest(rng: np.random.Generator, room: Space) -> Chest:
    half_width = room.shape[2] * room.inside / 2
    half_depth, tall = room.shape[1] * room.inside / 2, room.shape[0] * room.between
    wall = float(rng.uniform(12, 30))
    return Chest(
        width=float(half_width * rng.uniform(0.82, 0.97) - wall),
        depth=float(half_depth * rng.uniform(0.82, 0.97) - wall),
        height=float(tall * rng.uniform(0.78, 0.95)),
        base=float(tall * rng.uniform(-0.02, 0.1)),
        wall=wall,
        middle=float(rng.uniform(18, 34)),
    )


def hila(chest: Chest) -> tuple[Field, Field]:
    """Where vessels and airways enter the lungs, right then left (x, y, z)."""
    z = chest.base + 0.52 * chest.height
    places = [(sign * (chest.middle + 8), 0.05 * chest.depth, z) for sign in (-1, 1)]
    return np.array(places[0], dtype=np.float32), np.array(places[1], dtype=np.float32)


def cage_depth(chest: Chest, room: Space) -> Field:
    """Distance in mm inside of the rib cage, which narrows to a dome at the top."""
    rise = np.clip((room.z - chest.base) / chest.height, 0, None)
    narrow = np.sqrt(np.clip(1 - np.clip((rise - 0.25) / 0.75, 0, None) ** 2.4, 0.003, None)).astype(np.float32)
    return ellipse_depth(room.x, room.y, chest.width * narrow, chest.depth * narrow)


def lung_depth(rng: np.random.Generator, chest: Chest, room: Space, cage: Field) -> Field:
    """Distance in mm inside of either lung: the cage without mediastinum, heart, spine, aorta and diaphragm."""
    depth = cage + smooth(rng, room.shape, 6) * np.float32(rng.uniform(0.5, 2.5))
    lean = np.float32(rng.uniform(0, 0.25)) * np.abs(room.y) + 4 * np.sin(room.z / np.float32(rng.uniform(18, 40)))
    depth = np.minimum(depth, np.abs(room.x) - np.float32(chest.middle) + np.float32(0.6) * lean - 4)
    depth = np.minimum(depth, -heart_depth(rng, chest, room))
    depth = np.minimum(depth, -spine_depth(chest, room) - 3)
    depth = np.minimum(depth, -aorta_depth(rng, chest, room))
    return np.asarray(np.minimum(depth, room.z - dome(rng, chest, room)))


def heart_depth(rng: np.random.Generator, chest: Chest, room: Space) -> Field:
    across, back, up = rng.uniform(42, 62), rng.uniform(32, 45), rng.uniform(45, 62)
    x, y = room.x - np.float32(rng.uniform(12, 30)), room.y + np.float32(rng.uniform(0.1, 0.35) * chest.depth)
    z = room.z - np.float32(chest.base + rng.uniform(0.22, 0.32) * chest.height)
    share = np.sqrt((x / across) ** 2 + (y / back) ** 2 + (z / up) ** 2)
    return np.asarray((1 - share) * min(across, back, up), dtype=np.float32)


def spine_depth(chest: Chest, room: Space) -> Field:
    return np.asarray(19 - np.hypot(room.x, room.y - 0.86 * chest.depth), dtype=np.float32)


def aorta_depth(rng: np.random.Generator, chest: Chest, room: Space) -> Field:
    bend = 5 * np.sin(room.z / np.float32(60))
    centre = np.float32(rng.uniform(20, 27)) + bend
    depth = np.float32(rng.uniform(10, 15)) - np.hypot(room.x - centre, room.y - 0.55 * chest.depth)
    return np.where(room.z < chest.base + 0.7 * chest.height, depth, np.float32(-50)).astype(np.float32)


def dome(rng: np.random.Generator, chest: Chest, room: Space) -> Field:
    """Height of the diaphragm under each place."""
    top = np.where(room.x < 0, rng.uniform(25, 45), rng.uniform(15, 38)).astype(np.float32)
    share = ((np.abs(room.x) - 0.45 * chest.width) / (0.55 * chest.width)) ** 2 + (room.y / chest.depth) ** 2
    return np.asarray(chest.base + top * np.clip(1 - share, -0.8, 1), dtype=np.float32)


def outside_of_lungs(rng: np.random.Generator, chest: Chest, room: Space, cage: Field) -> Field:
    """Everything but the lungs: air, skin and fat, muscle, ribs, spine, organs."""
    organs = np.float32(SOFT + rng.uniform(-15, 70)) + smooth(rng, room.shape, 9) * np.float32(rng.uniform(5, 30))
    hu = organs + soft(-cage - np.float32(chest.wall * rng.uniform(0.3, 0.7)), 3) * np.float32(FAT - SOFT)
    hu += soft(rib_depth(rng, room, cage), 2) * np.float32(rng.uniform(150, 600))
    spine = soft(spine_depth(chest, room), 3)
    discs = np.clip(np.sin(room.z * np.float32(2 * np.pi / rng.uniform(24, 32))) * 3, -1, 1)
    hu += spine * (np.float32(rng.uniform(80, 260)) + discs * 60)
    gas = ellipse_depth(room.x - 55, room.y + 20, rng.uniform(10, 40), rng.uniform(10, 35))
    hu += soft(np.minimum(gas, chest.base - 4 - room.z), 3) * np.float32((AIR - SOFT) * (rng.random() < 0.5))
    body = body_depth(chest, room)
    return np.asarray(AIR + soft(body, 2) * (hu - AIR), dtype=np.float32)


def body_depth(chest: Chest, room: Space) -> Field:
    """Distance in mm inside of the skin; shoulders keep the trunk wide at the top."""
    return ellipse_depth(room.x, room.y, chest.width + chest.wall, chest.depth + chest.wall)


def rib_depth(rng: np.random.Generator, room: Space, cage: Field) -> Field:
    """Distance in mm inside of a rib: bars in the wall that fall to the front."""
    period = np.float32(rng.uniform(22, 30))
    fall = np.float32(rng.uniform(0.3, 0.7))
    phase = (room.z + fall * room.y + np.float32(rng.uniform(0, 30))) % period - period / 2
    return np.asarray(np.minimum(np.float32(4.5) - np.abs(cage + np.float32(7)), np.float32(6) - np.abs(phase)))


def lung_density(rng: np.random.Generator, room: Space) -> Field:
    """Aerated lung: denser at the back, uneven, at times with emphysema."""
    base = np.float32(rng.uniform(-900, -790)) + room.y * np.float32(rng.uniform(0, 0.6))
    uneven = smooth(rng, room.shape, 10) * np.float32(rng.uniform(5, 25))
    holes = np.clip(smooth(rng, room.shape, 26) - 1.2, 0, 1) * np.float32(-120 * (rng.random() < 0.3))
    return np.asarray(base + uneven + holes, dtype=np.float32)


def add_tubes(hu: Field, lungs: Field, tubes: Tubes, density: float) -> None:
    """Vessels or bands inside the lungs, in place; `tubes` is how much of a cell they fill."""
    share = tubes * lungs
    hu += share * (np.float32(density) - hu)


def add_airways(hu: Field, airways: tuple[Tubes, Tubes]) -> None:
    """Walls, then the air in them, in place."""
    outer, inner = airways
    hu += outer * (np.float32(0) - hu)
    hu += inner * (np.float32(-980) - hu)
