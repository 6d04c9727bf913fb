"""Things that are bright or round and no opacity: lines, tubes, rings, edges, dark and huge blobs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from inference.plugins.xray_chest_nodule.fields import Plane, band, random_frame, step
from inference.plugins.xray_chest_nodule.lesions import Lesion, random_lesion, stamp


def distractors(rng: np.random.Generator, side: int) -> Plane:
    """Things that are bright or round and no opacity: lines, tubes, rings, edges, dark and huge blobs."""
    layer = np.zeros((side, side), dtype=np.float32)
    if rng.random() < 0.35:
        layer += wires(rng, side)
    if rng.random() < 0.3:
        layer += edges(rng, side)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 5))):
            add_false_blob(rng, layer)
    return layer


def wires(rng: np.random.Generator, side: int) -> Plane:
    """Electrode leads, tubes, letters and rings of metal."""
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(0, 4))):
        points = np.cumsum(np.vstack([rng.uniform(0, side, 2), rng.normal(0, side / 9, (7, 2))]), axis=0)
        pen.line([tuple(point) for point in points], fill=255, width=int(rng.integers(1, 5)), joint="curve")
    for _ in range(int(rng.integers(0, 4))):
        x, y, radius = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(2, 8)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=255, width=int(rng.integers(1, 3)))
    for _ in range(int(rng.integers(0, 2))):
        pen.text(
            tuple(rng.uniform(0, side * 0.9, 2)),
            str(rng.choice(list("LRAP"))),
            fill=255,
            font_size=int(rng.integers(8, 30)),
        )
    return np.asarray(canvas, dtype=np.float32) * np.float32(rng.uniform(0.05, 0.5) / 255)


def edges(rng: np.random.Generator, side: int) -> Plane:
    """The borders of large overlying things: one or two long curved steps, and a fold."""
    frame = random_frame(rng, side, zoom=(0.7, 1.5), warp=0.05)
    bent = frame.y * np.float32(rng.uniform(-2, 2)) + frame.x + np.float32(rng.uniform(-0.6, 0.6)) * frame.y**2
    layer = step(bent + np.float32(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.02, 0.3))) * np.float32(
        rng.uniform(-0.15, 0.15)
    )
    fold = band(bent + np.float32(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.01, 0.06)), 0.5)
    return np.asarray(layer + fold * np.float32(rng.uniform(0, 0.15)), dtype=np.float32)


def add_false_blob(rng: np.random.Generator, layer: Plane) -> None:
    """A dark blob, or a bright bar that is far longer than wide."""
    side = layer.shape[0]
    lesion = random_lesion(rng, (int(rng.integers(side)), int(rng.integers(side))), side / 256, (0.05, 0.35))
    if rng.random() < 0.5:
        shade = stamp(rng, lesion, side)
        layer[shade.rows, shade.columns] -= shade.shadow
        return
    length = float(rng.uniform(20, 70)) * side / 256
    bar = Lesion(lesion.centre, (length, length / float(rng.uniform(3.5, 8))), lesion.turn, lesion.strength)
    shade = stamp(rng, bar, side)
    layer[shade.rows, shade.columns] += shade.shadow
