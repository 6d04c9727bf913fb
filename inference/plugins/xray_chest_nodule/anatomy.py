"""Drawn thoraxes: what a frontal chest radiograph is made of, each part with a place, size and strength of its own.

Attenuation adds up along the ray, so every part is a layer that is added; only a tone curve comes after. The parts are
drawn far wider than nature has them: a model that saw such variety takes a real film for one more variation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from inference.plugins.xray_chest_nodule.bones import Chest, bones, outline
from inference.plugins.xray_chest_nodule.fields import (
    Frame,
    Plane,
    chord,
    ellipse,
    noise,
    random_frame,
    smooth_field,
    step,
)


@dataclass(frozen=True, slots=True)
class Thorax:
    """Attenuation of a chest without lesions, its lungs (0..1, also behind heart and diaphragm edge), and its parts."""

    attenuation: Plane
    lungs: Plane
    heart: Plane


def draw_thorax(rng: np.random.Generator, side: int) -> Thorax:
    """A chest on a square of `side` pixels, seen from the front, at random scale and place."""
    frame = random_frame(rng, side, zoom=(0.95, 1.6), warp=float(rng.uniform(0.0, 0.035)))
    chest = random_chest(rng, frame)
    fields = [lung_field(rng, chest, sign) for sign in (-1, 1)]
    lungs, depth = np.maximum(*(mask for mask, _ in fields)), sum(depth for _, depth in fields)
    heart = draw_heart(rng, frame)
    aerated = depth * np.float32(rng.uniform(0.35, 0.8))
    layers = torso(rng, chest) - aerated * (1 - np.float32(rng.uniform(0.5, 0.95)) * np.clip(heart, 0, 1))
    layers += bones(rng, chest)
    layers += soft_parts(rng, chest, lungs)
    layers += heart * np.float32(rng.uniform(0.05, 0.35))
    layers += abdomen(rng, chest, lungs)
    return Thorax(layers.astype(np.float32), lungs, heart)


def random_chest(rng: np.random.Generator, frame: Frame) -> Chest:
    return Chest(
        frame,
        width=float(rng.uniform(0.62, 0.84)),
        height=float(rng.uniform(0.95, 1.2)),
        middle=float(rng.uniform(0.2, 0.4)),
        medial=float(rng.uniform(0.08, 0.2)),
        base=float(rng.uniform(0.3, 0.68)),
        fullness=float(rng.uniform(1.9, 3.2)),
    )


def lung_field(rng: np.random.Generator, chest: Chest, sign: int) -> tuple[Plane, Plane]:
    """Mask and depth of air, both 0..1, of one lung; `sign` -1 is the image's left, which is the patient's right."""
    x, y = chest.frame.x * sign, chest.frame.y
    lateral = outline(chest) - x
    medial = x - np.float32(chest.medial) - np.float32(rng.uniform(-0.04, 0.06)) * y
    top = rng.uniform(0.1, 0.3)
    dome = np.float32(chest.base + rng.uniform(-0.08, 0.08)) - np.float32(top) * (
        1 - ((x - np.float32(0.4)) / np.float32(rng.uniform(0.38, 0.55))) ** 2
    )
    distance = np.minimum(np.minimum(lateral, medial), dome + np.float32(0.1) - y)
    mask = step(distance, 0.02)
    depth = np.sqrt(np.clip(np.minimum(lateral, medial) / np.float32(rng.uniform(0.15, 0.4)), 0, 1))
    return mask, (depth * step(distance, float(rng.uniform(0.02, 0.07)))).astype(np.float32)


def torso(rng: np.random.Generator, chest: Chest) -> Plane:
    """Soft tissue of trunk, neck and shoulders; air beside it."""
    frame = chest.frame
    wall = np.float32(chest.width + rng.uniform(0.12, 0.4))
    shoulder = np.float32(rng.uniform(-0.95, -0.7)) + np.float32(rng.uniform(0.1, 0.5)) * np.abs(frame.x)
    trunk = chord(np.clip((frame.x / wall) ** 2, 0, None)) * step(frame.y - shoulder, 0.1)
    neck = chord((frame.x / np.float32(rng.uniform(0.18, 0.32))) ** 2) * np.float32(0.7)
    arms = (
        step(np.abs(frame.x) - np.float32(0.5), 0.3) * step(frame.y - shoulder, 0.1) * np.float32(rng.uniform(0, 0.4))
    )
    return np.asarray(np.maximum(np.maximum(trunk, neck * (frame.y < -0.4)), arms) * np.float32(rng.uniform(0.7, 1.1)))


def draw_heart(rng: np.random.Generator, frame: Frame) -> Plane:
    """Heart, mediastinum and aortic knob: thickness 0..about 1."""
    width = float(rng.uniform(0.22, 0.42))
    heart = chord(
        ellipse(frame, (rng.uniform(0.02, 0.2), rng.uniform(0.15, 0.4)), (width, rng.uniform(0.25, 0.42)), 0.5)
    )
    knob = chord(ellipse(frame, (rng.uniform(0.08, 0.18), rng.uniform(-0.42, -0.2)), (rng.uniform(0.06, 0.11),) * 2))
    column = step(np.float32(rng.uniform(0.1, 0.2)) - np.abs(frame.x + np.float32(rng.uniform(-0.04, 0.04))), 0.06)
    edge = rng.uniform(0.3, 0.6)
    return np.asarray(np.maximum(np.maximum(heart, knob * 0.6) ** np.float32(edge), column * np.float32(0.7)))


def soft_parts(rng: np.random.Generator, chest: Chest, lungs: Plane) -> Plane:
    """Vessels and hila in the lungs, breasts over them, and the unevenness of tissue."""
    frame = chest.frame
    layer = vessels(rng, chest) * lungs * np.float32(rng.uniform(0.05, 0.32))
    layer += hila(rng, frame) * lungs * np.float32(rng.uniform(0.02, 0.16))
    layer += breasts(rng, frame) * np.float32(rng.uniform(0.0, 0.14))
    layer += smooth_field(rng, frame.side, 6) * np.float32(rng.uniform(0, 0.04))
    layer += noise(rng, frame.side, 2.2) * lungs * np.float32(rng.uniform(0, 0.03))
    return np.asarray(layer, dtype=np.float32)


def vessels(rng: np.random.Generator, chest: Chest) -> Plane:
    """Branching lines that run outwards from both hila and grow thinner; 0..about 1."""
    side = chest.frame.side
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    rows, columns = hilum_pixels(chest.frame)
    for row, column, sign in zip(rows, columns, (-1, 1), strict=True):
        for _ in range(int(rng.integers(7, 16))):
            branch(rng, pen, (column, row), outward_angle(rng, sign), float(rng.uniform(1.5, 5.0)) * side / 256)
    blurred = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.4)) * side / 256))
    return np.asarray(blurred, dtype=np.float32) / np.float32(255)


def hilum_pixels(frame: Frame) -> tuple[list[float], list[float]]:
    """Rows and columns of the two pixels nearest to the hila."""
    places = [np.argmin((frame.x - np.float32(s * 0.17)) ** 2 + (frame.y + np.float32(0.02)) ** 2) for s in (-1, 1)]
    found = [divmod(int(place), frame.side) for place in places]
    return [float(row) for row, _ in found], [float(column) for _, column in found]


def outward_angle(rng: np.random.Generator, sign: int) -> float:
    """A direction that leads away from the spine: 0 points to the right, pi to the left, y down."""
    spread = float(rng.uniform(-1.4, 1.5))
    return spread if sign > 0 else np.pi - spread


def branch(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, at: tuple[float, float], angle: float, width: float
) -> None:
    """One vessel as a chain of strokes that bends, tapers and forks until it is too thin to show."""
    while width > 0.7:
        length = rng.uniform(6, 16) * (0.5 + width / 6)
        to = (at[0] + length * np.cos(angle), at[1] + length * np.sin(angle))
        pen.line([at, to], fill=int(min(255, 60 + 45 * width)), width=max(1, round(width)))
        if width > 1.4 and rng.random() < 0.45:
            branch(rng, pen, to, angle + float(rng.choice((-1, 1)) * rng.uniform(0.4, 0.9)), width * 0.65)
        at, angle, width = to, angle + float(rng.normal(0, 0.22)), width * float(rng.uniform(0.72, 0.93))


def hila(rng: np.random.Generator, frame: Frame) -> Plane:
    """Lumps where the great vessels meet: round enough to be mistaken, and never labelled."""
    layer = np.zeros_like(frame.x)
    for sign in (-1, 1):
        for _ in range(int(rng.integers(1, 5))):
            centre = (sign * rng.uniform(0.1, 0.27), rng.uniform(-0.18, 0.16))
            layer += chord(ellipse(frame, centre, tuple(rng.uniform(0.03, 0.12, 2)), rng.uniform(0, 3)))
    return layer


def breasts(rng: np.random.Generator, frame: Frame) -> Plane:
    """Large overlying shadows whose lower edge is sharper than the upper one."""
    centre, radii = (rng.uniform(0.35, 0.5), rng.uniform(0.2, 0.5)), tuple(rng.uniform(0.28, 0.45, 2))
    shape = ellipse(Frame(np.abs(frame.x), frame.y), centre, radii)
    return np.asarray(step(1 - shape, float(rng.uniform(0.1, 0.7))) * step(frame.y - np.float32(centre[1] - 0.3), 0.7))


def abdomen(rng: np.random.Generator, chest: Chest, lungs: Plane) -> Plane:
    """Liver and bowel below the diaphragm, often with a gas bubble on one side."""
    frame = chest.frame
    below = (
        step(frame.y - np.float32(chest.base - 0.15), 0.2)
        * (1 - lungs)
        * step(outline(chest) + 0.1 - np.abs(frame.x), 0.1)
    )
    bubble = chord(
        ellipse(frame, (rng.uniform(0.2, 0.5), chest.base + rng.uniform(0.05, 0.35)), tuple(rng.uniform(0.1, 0.3, 2)))
    )
    gas = bubble * np.float32(rng.uniform(0, 0.45)) * (rng.random() < 0.6)
    return np.asarray(below * (np.float32(rng.uniform(0, 0.3)) - gas))
