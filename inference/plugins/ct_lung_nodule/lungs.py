"""Where the lungs are: found by density alone, closed over vessels and nodules, parted into sides and zones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.domain.report import Site
from inference.plugins.segmentation.scans import Region
from inference.plugins.segmentation.volumes import Scan

Mask = NDArray[np.bool_]

# cells of the coarse grid that are averaged: slices, rows, columns (4 mm each way on the model's grid)
BLOCK = (2, 4, 4)
COARSE_MM = 4.0
AERATED = -500.0
# what aerated lung measures on the whole; air itself lies below, a body shown negative as well
LUNG_MEAN = (-970.0, -600.0)
# litres; a lung that is smaller than this on either side is no lung
LEAST_LITRES, MOST_LITRES = 0.12, 12.0
# nodules and vessels up to about this radius are closed over; findings may lie this far outside of the aerated lung
CLOSE_MM, RIM_MM = 14.0, 5.0
ZONES = ("upper", "mid", "lower")
LUNGS = {"R": ("3341006", "Right lung"), "L": ("44029006", "Left lung")}
NO_LUNGS = "The series does not show both lungs."


def lung_region(scan: Scan) -> Region:
    """Slices with lung, where findings may lie, and side and zone of each cell: 1 to 3 right, 4 to 6 left, top first.

    Raises `UnsupportedInput` where there is not a lung on each side.
    """
    means = block_mean(scan.values)
    coarse = aerated_lungs(means)
    middle = split_column(coarse)
    sides = coarse[:, :, :middle], coarse[:, :, middle:]
    litres = [float(side.sum()) * COARSE_MM**3 / 1e6 for side in sides]
    is_lung = LUNG_MEAN[0] < float(means[coarse].mean()) < LUNG_MEAN[1]
    if min(litres) < LEAST_LITRES or sum(litres) > MOST_LITRES or not is_lung:
        raise UnsupportedInput(NO_LUNGS)
    allowed = np.zeros(scan.values.shape, dtype=bool)
    fine = refine(closed(coarse), scan.values.shape)
    allowed[: fine.shape[0], : fine.shape[1], : fine.shape[2]] = fine
    slices = np.flatnonzero(allowed.any(axis=(1, 2)))
    labels = np.where(allowed, zone_labels(scan, slices, middle * BLOCK[2]), 0).astype(np.uint8)
    return Region(tuple(int(n) for n in slices), allowed, labels)


def block_mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over blocks; what fills no block repeats the border."""
    pads = [(0, -size % block) for size, block in zip(values.shape, BLOCK, strict=True)]
    padded = np.pad(values, pads, mode="edge")
    z, y, x = (size // block for size, block in zip(padded.shape, BLOCK, strict=True))
    return np.asarray(padded.reshape(z, BLOCK[0], y, BLOCK[1], x, BLOCK[2]).mean(axis=(1, 3, 5)))


def aerated_lungs(coarse: NDArray[np.float32]) -> Mask:
    """Air that does not reach the sides of the slices, in components of a useful size."""
    from scipy import ndimage

    labels, count = ndimage.label(coarse < AERATED)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    border = np.concatenate([labels[:, edge].ravel() for edge in (0, -1)] + [labels[:, :, e].ravel() for e in (0, -1)])
    wanted = sizes * COARSE_MM**3 / 1e6 > LEAST_LITRES / 4
    wanted[np.unique(border)] = False
    wanted[0] = False
    return np.asarray(wanted[labels])


def split_column(lungs: Mask) -> int:
    """The column with the least lung in the middle third of the lungs' width."""
    counts = lungs.sum(axis=(0, 1))
    columns = np.flatnonzero(counts)
    if len(columns) < 6:
        raise UnsupportedInput(NO_LUNGS)
    first, last = int(columns[0]), int(columns[-1])
    third = (last - first) // 3
    middle = counts[first + third : last - third + 1]
    return int(first + third + np.flatnonzero(middle == middle.min()).mean()) + 1


def closed(lungs: Mask) -> Mask:
    """Closed over gaps, and a rim wider: the pleura belongs to it."""
    from scipy import ndimage

    reach = int(np.ceil(CLOSE_MM / COARSE_MM)) + 1
    padded = np.pad(lungs, reach)
    grown = ndimage.distance_transform_edt(~padded) * COARSE_MM <= CLOSE_MM
    back = ndimage.distance_transform_edt(grown) * COARSE_MM > CLOSE_MM - RIM_MM
    inner = tuple(slice(reach, -reach) for _ in range(3))
    return np.asarray(back[inner])


def refine(coarse: Mask, shape: tuple[int, ...]) -> Mask:
    """The coarse mask on the grid itself."""
    for axis, block in enumerate(BLOCK):
        coarse = coarse.repeat(block, axis=axis)
    return coarse[: shape[0], : shape[1], : shape[2]]


def zone_labels(scan: Scan, slices: NDArray[np.intp], middle: int) -> NDArray[np.uint8]:
    """Side and zone by slice and column (slices, 1, columns). Patient coordinates (LPS) say what is left and up."""
    orientation = np.array(scan.stack.headers[0].orientation)
    is_upward = np.cross(orientation[:3], orientation[3:])[2] > 0
    share = (np.arange(scan.values.shape[0]) - slices[0]) / max(int(slices[-1] - slices[0]) + 1, 1)
    height = 1 - share if is_upward else share
    zone = np.clip((height * len(ZONES)).astype(int), 0, len(ZONES) - 1)
    is_left = (np.arange(scan.values.shape[2]) >= middle) == (orientation[0] > 0)
    return np.asarray(1 + zone[:, None, None] + 3 * is_left[None, None, :], dtype=np.uint8)


def site_at(labels: NDArray[np.uint8], centre: tuple[float, float, float]) -> Site | None:
    """Lung and zone of a cell."""
    z, y, x = (round(value) for value in centre)
    number = int(labels[z, y, x])
    if number == 0:
        return None
    laterality = "R" if number <= len(ZONES) else "L"
    code, display = LUNGS[laterality]
    return Site(code, "SCT", f"{display}, {ZONES[(number - 1) % len(ZONES)]} zone", laterality)
