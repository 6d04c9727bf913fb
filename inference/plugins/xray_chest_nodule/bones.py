"""The rib cage of a drawn chest: its outline, spine, ribs, collar bones, shoulder blades and arm heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.plugins.xray_chest_nodule.fields import Frame, Plane, band, ellipse, step

RIB_ROWS = 48


@dataclass(frozen=True, slots=True)
class Chest:
    """The lung fields of one drawn patient: half width, apex and base in frame units.

    `fullness` is the exponent of the outline: 2 makes the apex an ellipse, more makes it broader.
    """

    frame: Frame
    width: float
    height: float
    middle: float
    medial: float
    base: float
    fullness: float


def outline(chest: Chest) -> Plane:
    """Half width of the rib cage at each pixel's height."""
    share = (chest.frame.y - np.float32(chest.middle)) / np.float32(chest.height)
    width = np.float32(chest.width) * np.sqrt(np.clip(1 - np.abs(share) ** np.float32(chest.fullness), 1e-4, None))
    return np.asarray(width)


def bones(rng: np.random.Generator, chest: Chest) -> Plane:
    """Spine, ribs, collar bones, shoulder blades and arm heads."""
    strength = rng.uniform(0.04, 0.2)
    layer = spine(rng, chest.frame)
    layer += ribs(rng, chest) * np.float32(strength)
    layer += collar_bones(rng, chest.frame) * np.float32(strength * rng.uniform(0.7, 1.6))
    layer += shoulders(rng, chest) * np.float32(strength)
    return layer


def spine(rng: np.random.Generator, frame: Frame) -> Plane:
    half, period = rng.uniform(0.07, 0.12), rng.uniform(0.11, 0.17)
    bodies = 0.8 + 0.2 * np.clip(3 * np.sin(frame.y * np.float32(2 * np.pi / period)), -1, 1)
    windpipe = band(frame.x - np.float32(rng.uniform(-0.04, 0.04)), float(rng.uniform(0.03, 0.05)), 0.0)
    air = windpipe * step(np.float32(rng.uniform(-0.3, -0.1)) - frame.y, 0.1) * np.float32(rng.uniform(0, 0.2))
    return np.asarray(band(frame.x, half, 0.3) * bodies * np.float32(rng.uniform(0.05, 0.35)) - air, dtype=np.float32)


def ribs(rng: np.random.Generator, chest: Chest) -> Plane:
    """Both rows of ribs of both sides: the back ones arch outwards, the front ones fall towards the middle."""
    frame, spacing = chest.frame, rng.uniform(0.12, 0.21)
    reach = np.clip(np.abs(frame.x) / outline(chest), 0, 1.1)
    fall, arch, drop = rng.uniform(0.15, 0.5), rng.uniform(0.0, 0.18), rng.uniform(0.25, 0.6)
    back = np.float32(fall) * reach**2 - np.float32(arch) * np.sin(reach * np.float32(2.6))
    front = np.float32(fall - arch * np.sin(2.6)) + np.float32(drop) * np.clip(1 - reach, 0, 1)
    cage = step(np.float32(1.03) - reach, 0.04) * step(np.float32(chest.base + 0.35) - frame.y, 0.2)
    rear = rib_row(rng, frame.y - back, frame.x, spacing)
    ahead = rib_row(rng, frame.y - front, frame.x, spacing * rng.uniform(1.0, 1.25)) * step(
        reach - np.float32(0.4), 0.3
    )
    wall = band(reach - np.float32(1.0), float(rng.uniform(0.03, 0.07)), 0.0) * np.float32(rng.uniform(0.3, 1.5))
    return np.asarray((rear + ahead * np.float32(rng.uniform(0.4, 1.0))) * cage + wall * (frame.y < chest.base + 0.3))


def rib_row(rng: np.random.Generator, height: Plane, x: Plane, spacing: float) -> Plane:
    """Bars at each multiple of `spacing` of `height`; every rib has its own width and strength on each side."""
    phase = height / np.float32(spacing) + np.float32(rng.random())
    number = np.floor(phase)
    row = (number.astype(np.int32) + RIB_ROWS // 4 + (x > 0) * (RIB_ROWS // 2)) % RIB_ROWS
    widths = rng.uniform(0.17, 0.32, RIB_ROWS).astype(np.float32)[row]
    strengths = rng.uniform(0.6, 1.2, RIB_ROWS).astype(np.float32)[row]
    return np.asarray(band((phase - number - np.float32(0.5)) / widths, 1.0, float(rng.uniform(0.0, 0.9))) * strengths)


def collar_bones(rng: np.random.Generator, frame: Frame) -> Plane:
    across = np.abs(frame.x)
    rise, start = rng.uniform(-0.1, 0.5), rng.uniform(-0.75, -0.45)
    centre = np.float32(start) - np.float32(rise) * across + np.float32(rng.uniform(0.01, 0.05)) * np.sin(across * 6)
    bar = band(frame.y - centre, float(rng.uniform(0.025, 0.05)), float(rng.uniform(0, 0.8)))
    return np.asarray(bar * step(across - np.float32(0.09), 0.03) * step(np.float32(0.85) - across, 0.1))


def shoulders(rng: np.random.Generator, chest: Chest) -> Plane:
    """Shoulder blades as planes with a bright inner border, and the round heads of the arms."""
    frame = chest.frame
    across = np.abs(frame.x)
    border = across - np.float32(chest.width * rng.uniform(0.8, 1.15)) - np.float32(rng.uniform(-0.25, 0.1)) * frame.y
    blade = step(border, 0.04) * np.float32(0.5) + band(border, 0.02, 0.0)
    blade *= step(np.float32(rng.uniform(-0.1, 0.3)) - frame.y, 0.1) * step(frame.y + np.float32(0.75), 0.1)
    turned = Frame(across, frame.y)
    head = step(1 - ellipse(turned, (rng.uniform(0.85, 1.1), rng.uniform(-0.7, -0.45)), (0.14, 0.16)), 0.25)
    return np.asarray(blade * np.float32(rng.uniform(0, 1.0)) + head * np.float32(rng.uniform(0, 1.5)))
