"""From an image to the model's 28 x 28 field, as the makers of MNIST did it: 20 x 20, centred by mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.domain.study import InstanceHeader
from inference.plugins.digits import gate

FIELD = 28
BOX = 20
# below this share of the strongest stroke a pixel is paper: JPEG noise and shadows
INK_LEVEL = 0.2
# ITU-R BT.601, the weights of Pillow's own grey conversion
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

Field = NDArray[np.float32]


def prepare_image(pixels: NDArray[np.float32], header: InstanceHeader, number: int) -> Field:
    """One image, (rows, columns) or (rows, columns, 3) in the range of its header, as a field of 0 to 1.

    Returns float32 (28, 28), strokes bright on black. Raises `UnsupportedInput` that names the image by `number`.
    """
    shares = to_grey(pixels) / np.float32(2**header.bits_stored - 1)
    gate.refuse_blank(float(np.ptp(shares)), number)
    border = outermost(shares)
    gate.refuse_busy_background(border, number)
    strokes = lift_strokes(shares, float(np.median(border)))
    inked = strokes > INK_LEVEL
    rows, columns = extent(inked, axis=1), extent(inked, axis=0)
    gate.refuse_odd_ink(inked[rows, columns], number)
    return centre_by_mass(fit_to_box(strokes[rows, columns]))


def to_grey(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour (rows, columns, 3) to luma (rows, columns); grey stays as it is."""
    return pixels if pixels.ndim == 2 else (pixels @ LUMA).astype(np.float32)


def outermost(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The four edges of an image in one row."""
    return np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])


def lift_strokes(shares: NDArray[np.float32], background: float) -> NDArray[np.float32]:
    """Distance from the background towards the ink, scaled so that the strongest stroke is 1.

    Ink is whatever lies farther from the background: dark on paper, bright on a screen.
    """
    above, below = shares.max() - background, background - shares.min()
    signed = shares - background if above >= below else background - shares
    return np.asarray(np.clip(signed / max(above, below), 0, 1), dtype=np.float32)


def extent(inked: NDArray[np.bool_], axis: int) -> slice:
    """From the first to the last place with ink, looking along `axis`."""
    places = np.flatnonzero(inked.any(axis=axis))
    return slice(int(places[0]), int(places[-1]) + 1)


def fit_to_box(strokes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale so that the longer side is `BOX` pixels; the aspect stays."""
    rows, columns = strokes.shape
    if max(rows, columns) == BOX:
        return strokes
    scale = BOX / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    resized = Image.fromarray(strokes).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)


def centre_by_mass(box: NDArray[np.float32]) -> Field:
    """Lay the box into an empty field so that its centre of mass lies in the middle, as far as the field allows."""
    field = np.zeros((FIELD, FIELD), dtype=np.float32)
    top, left = (place(box.sum(axis=axis)) for axis in (1, 0))
    field[top : top + box.shape[0], left : left + box.shape[1]] = box
    return field


def place(mass: NDArray[np.float32]) -> int:
    """Where a profile of mass starts, so that its centre is the field's centre."""
    centre = float((mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum())
    return int(np.clip(round(FIELD / 2 - centre), 0, FIELD - len(mass)))
