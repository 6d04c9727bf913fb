"""From an image of any size to the model's square field of local contrasts, and the way back to source pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.domain.errors import UnsupportedInput
from inference.domain.study import InstanceHeader

FIELD = 256
# widths of the neighbourhoods in field pixels: vessels and small nodules, masses, whole lungs
NEIGHBOURHOODS = (5, 16, 48)
CHANNELS = len(NEIGHBOURHOODS)
# share of the image's own spread below which local contrast counts as film grain and is not blown up
GRAIN = 0.08
CLIP = 5.0
TAILS = (0.5, 99.5)
# ITU-R BT.601
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

Plane = NDArray[np.float32]
CoordinateT = TypeVar("CoordinateT", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the source image lies in the field: `scale` field pixels per source pixel, `left` and `top` of its edge."""

    rows: int
    columns: int
    scale: float
    left: int
    top: int

    def to_source(self, x: CoordinateT, y: CoordinateT) -> tuple[CoordinateT, CoordinateT]:
        """A point of the field, (0, 0) the centre of its first pixel, in source pixels of the same convention."""
        return (x + 0.5 - self.left) / self.scale - 0.5, (y + 0.5 - self.top) / self.scale - 0.5

    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the field that the image covers."""
        height, width = fitted(self.rows, self.columns)
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, slots=True)
class Sample:
    """One film for the model: local contrasts (FIELD, FIELD, CHANNELS), grey 0..1 (FIELD, FIELD), and its placement."""

    contrasts: NDArray[np.float32]
    grey: Plane
    placement: Placement


def prepare_film(pixels: NDArray[np.float32], header: InstanceHeader) -> Sample:
    """One film as a sample; pixels as `PixelReader` gives them. Raises `UnsupportedInput` for a blank one."""
    grey = unit_range(upright_grey(pixels, header))
    placement = place(*grey.shape)
    field = lay_out(grey, placement)
    return Sample(local_contrasts(field), field, placement)


def upright_grey(pixels: NDArray[np.float32], header: InstanceHeader) -> Plane:
    """One plane (rows, columns) in which bone is bright."""
    plane = pixels @ LUMA if header.samples_per_pixel == 3 else pixels
    plane = plane.reshape(plane.shape[-2:])
    return np.asarray(plane.max() - plane if header.photometric == "MONOCHROME1" else plane, dtype=np.float32)


def unit_range(plane: Plane) -> Plane:
    """Between the tails of its own histogram to 0..1. Raises `UnsupportedInput` where all pixels are alike."""
    stride = max(1, min(plane.shape) // 512)
    low, high = np.percentile(plane[::stride, ::stride], TAILS)
    if not high > low:
        raise UnsupportedInput("The image is blank.")
    return np.asarray(np.clip((plane - np.float32(low)) / np.float32(high - low), 0, 1), dtype=np.float32)


def fitted(rows: int, columns: int) -> tuple[int, int]:
    """Height and width that fill the field along the longer side."""
    scale = FIELD / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def place(rows: int, columns: int) -> Placement:
    """The image in the middle of the field, as large as it fits, its aspect kept."""
    height, width = fitted(rows, columns)
    return Placement(rows, columns, FIELD / max(rows, columns), (FIELD - width) // 2, (FIELD - height) // 2)


def lay_out(grey: Plane, placement: Placement) -> Plane:
    """The image resized with area averaging into the field; what it leaves free repeats its border."""
    height, width = fitted(placement.rows, placement.columns)
    # Pillow widens the filter when it shrinks, so that no pixel of a large film is skipped
    resized = np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    below, right = FIELD - height - placement.top, FIELD - width - placement.left
    return np.pad(resized, ((placement.top, below), (placement.left, right)), mode="edge")


def local_contrasts(grey: Plane) -> NDArray[np.float32]:
    """Difference from the neighbourhood's mean in units of its spread, one channel per neighbourhood.

    `grey` is (side, side), returns (side, side, CHANNELS). The tone curve of a film and its noise level fall out of it.
    """
    floor = np.float32((GRAIN * grey.std()) ** 2 + 1e-8)
    channels = [contrast(grey, width, floor) for width in NEIGHBOURHOODS]
    return np.clip(np.stack(channels, axis=-1), -CLIP, CLIP)


def contrast(grey: Plane, width: int, floor: np.float32) -> Plane:
    difference = grey - blur(grey, width)
    return np.asarray(difference / np.sqrt(blur(difference * difference, width) + floor), dtype=np.float32)


def blur(plane: Plane, width: int) -> Plane:
    """About a Gaussian of standard deviation `width`: two running means, whose cost does not grow with it."""
    from scipy import ndimage

    size = round(width * 2.45) | 1
    once = ndimage.uniform_filter(plane, size, mode="nearest")
    return np.asarray(ndimage.uniform_filter(once, size, mode="nearest"), dtype=np.float32)
