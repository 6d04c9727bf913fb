"""Building blocks of drawn images: coordinate frames, soft edges, blobs and random fields. Values are float32."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
POOL_SIDE = 1024
POOL_EXPONENTS = (0.0, 1.0, 1.6, 2.2)


@dataclass(frozen=True, slots=True)
class Frame:
    """Coordinates of every pixel of a square image: x to the right and y down, about -1 to 1 across the field."""

    x: Plane
    y: Plane

    @property
    def side(self) -> int:
        return int(self.x.shape[0])


def random_frame(rng: np.random.Generator, side: int, zoom: tuple[float, float], warp: float) -> Frame:
    """A frame that is turned by up to 9 degrees, shifted, scaled by 1 / zoom, and smoothly warped by about `warp`."""
    scale, angle = 1 / rng.uniform(*zoom), rng.uniform(-0.16, 0.16)
    aspect = rng.uniform(0.9, 1.12)
    line = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(line * np.float32(scale * aspect), line * np.float32(scale / aspect))
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    left, down = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    bend = np.float32(warp)
    return Frame(
        cos * x - sin * y + left + bend * smooth_field(rng, side, 4),
        sin * x + cos * y + down + bend * smooth_field(rng, side, 4),
    )


def smooth_field(rng: np.random.Generator, side: int, knots: int) -> Plane:
    """A random surface with about `knots` hills per side; mean about 0, spread about 1."""
    from scipy import ndimage

    coarse = rng.standard_normal((knots + 3, knots + 3)).astype(np.float32)
    fine = ndimage.zoom(coarse, side / knots, order=1, grid_mode=True, mode="nearest")
    top, left = rng.integers(0, fine.shape[0] - side + 1, 2)
    window = fine[top : top + side, left : left + side]
    return np.asarray(ndimage.uniform_filter(window, max(side // knots // 2, 1)), dtype=np.float32)


@functools.cache
def noise_pool(exponent: float) -> Plane:
    """A square tile of noise whose amplitude falls as frequency to the power -`exponent` / 2; spread 1.

    Drawn once from a fixed seed; samples cut their own windows, so that one costs microseconds.
    """
    rng = np.random.default_rng([20_260, int(exponent * 10)])
    spectrum = np.fft.rfft2(rng.standard_normal((POOL_SIDE, POOL_SIDE)))
    rows, columns = np.fft.fftfreq(POOL_SIDE)[:, None], np.fft.rfftfreq(POOL_SIDE)[None]
    radius = np.hypot(rows, columns)
    radius[0, 0] = np.inf
    tile = np.fft.irfft2(spectrum * radius ** (-exponent / 2), (POOL_SIDE, POOL_SIDE))
    return np.asarray(tile / tile.std(), dtype=np.float32)


def noise(rng: np.random.Generator, side: int, exponent: float) -> Plane:
    """A window of `noise_pool`, turned and mirrored at random."""
    top, left = rng.integers(0, POOL_SIDE - side, 2)
    window = np.rot90(noise_pool(exponent)[top : top + side, left : left + side], int(rng.integers(4)))
    return window[:, ::-1] if rng.random() < 0.5 else window


def step(distance: Plane, softness: float) -> Plane:
    """A soft edge: 0 far below zero, 1 far above, with a ramp about `softness` wide."""
    ramp = np.clip(distance / np.float32(softness) * np.float32(0.5) + np.float32(0.5), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)


def ellipse(frame: Frame, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Plane:
    """Squared elliptical radius of each pixel: below 1 inside."""
    x, y = frame.x - np.float32(centre[0]), frame.y - np.float32(centre[1])
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    along, across = (cos * x + sin * y) / np.float32(radii[0]), (cos * y - sin * x) / np.float32(radii[1])
    return np.asarray(along * along + across * across, dtype=np.float32)


def chord(squared_radius: Plane) -> Plane:
    """Length of a ray through a ball, as a share of its diameter."""
    return np.sqrt(np.clip(1 - squared_radius, 0, None))


def band(distance: Plane, half_width: float, edge: float) -> Plane:
    """A bar around distance 0, with a rim that is brighter by `edge` as cortical bone is."""
    share = np.abs(distance) / np.float32(half_width)
    return step(1 - share, 0.35) * (1 + np.float32(edge) * share**4)
