"""Digits as other hands would have written them: turned, slanted, scaled, moved and bent a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]

LARGEST_TURN = np.deg2rad(12)
LARGEST_SLANT = 0.15
LARGEST_SCALING = 0.12
LARGEST_SHIFT = 1.5
# strength in pixels of the bending, given on a coarse grid of GRID x GRID places
BEND = 0.6
GRID = 5


def augment(images: Images, rng: np.random.Generator) -> Images:
    """A fresh variation of each image (n, rows, columns)."""
    rows, columns = source_places(images.shape, rng)
    return sample(images, rows, columns)


def source_places(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Images, Images]:
    """For every pixel of every image the row and the column to fetch it from; each (n, rows, columns)."""
    count, height, width = shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1) - middle
    matrices, shifts = affine(count, rng)
    places = np.einsum("nij,hwj->nhwi", matrices, grid) + shifts[:, None, None, :] + middle
    places += bends(count, height, width, rng)
    return places[..., 0].astype(np.float32), places[..., 1].astype(np.float32)


def affine(count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrices (n, 2, 2) and shifts (n, 2)."""
    turn = rng.uniform(-LARGEST_TURN, LARGEST_TURN, count)
    slant = rng.uniform(-LARGEST_SLANT, LARGEST_SLANT, count)
    scale = rng.uniform(1 - LARGEST_SCALING, 1 + LARGEST_SCALING, (count, 2))
    cosine, sine = np.cos(turn), np.sin(turn)
    rows = [cosine * scale[:, 0], -sine, sine + slant, cosine * scale[:, 1]]
    return np.stack(rows, axis=-1).reshape(count, 2, 2), rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, (count, 2))


def bends(count: int, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth random displacement (n, rows, columns, 2) in pixels."""
    coarse = rng.normal(0, BEND, (count, GRID, GRID, 2))
    down, across = interpolation(height), interpolation(width)
    stretched: NDArray[np.float64] = np.einsum("hg,ngkc,wk->nhwc", down, coarse, across, optimize=True)
    return stretched


def interpolation(length: int) -> NDArray[np.float64]:
    """Weights (length, GRID) that stretch GRID values linearly over `length` places."""
    places = np.linspace(0, GRID - 1, length)
    weights: NDArray[np.float64] = np.clip(1 - np.abs(places[:, None] - np.arange(GRID)), 0, 1)
    return weights


def sample(images: Images, rows: Images, columns: Images) -> Images:
    """Bilinear values at fractional places; black outside."""
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    limit_r, limit_c = images.shape[1], images.shape[2]
    rows, columns = np.clip(rows, -1, limit_r) + 1, np.clip(columns, -1, limit_c) + 1
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    down, right = rows - top, columns - left
    which = np.arange(len(images))[:, None, None]
    upper = padded[which, top, left] * (1 - right) + padded[which, top, left + 1] * right
    lower = padded[which, top + 1, left] * (1 - right) + padded[which, top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)
