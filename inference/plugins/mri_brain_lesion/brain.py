"""Where the brain is on a T1 scan, by brightness and shape alone, and values relative to its tissue.

All on the model's grid. The brain is the largest bright body that dark bone and fluid part from scalp, eyes and neck.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Volume = NDArray[np.float32]

# cells of the coarse grid that are averaged: slices, rows, columns (2 mm each way on the model's grid)
BLOCK = (1, 2, 2)
COARSE_MM = 2.0
# share of the brightest values below which there is air, and bounds of tissue as shares of the middle of the head
AIR, TISSUE_FROM, TISSUE_TO = 0.1, 0.66, 1.9
# bridges up to twice this width are cut, the next width where a body is larger than any brain
BRIDGES_MM = (4.0, 6.0, 8.0)
LARGEST_LITRES = 2.3
# a cut that leaves less than this share went through the brain
LEAST_LEFT = 0.55
# sulci, ventricles and lesions up to twice this width are closed over
CLOSE_MM, RIM_MM = 15.0, 2.0
# how smooth the receive field of a coil is taken to be, and the tissue that it is read from, as a share of the median
FIELD_MM, FIELD_BLOCK, FIELD_FROM = 36.0, 4, 0.75
LOW, HIGH = -4.0, 5.0
# depths in mm below the brain's surface: the rim of fluid and cortex, and white matter
RIM_DEPTHS_MM, WHITE_DEPTHS_MM = (0.0, 8.0), (10.0, 24.0)


def brain_mask(values: Volume) -> Mask:
    """Brain with its ventricles and sulci; empty where nothing fits."""
    coarse = block_mean(values, BLOCK)
    candidates = tissue(coarse)
    depth = surface_depth(candidates)
    body = largest_body(candidates, depth, BRIDGES_MM[0])
    for bridge in BRIDGES_MM[1:]:
        if body.sum() * COARSE_MM**3 / 1e6 <= LARGEST_LITRES:
            break
        cut = largest_body(candidates, depth, bridge)
        body = cut if cut.sum() >= LEAST_LEFT * body.sum() else body
    return refine(closed(body), values.shape)


def block_mean(values: Volume, block: tuple[int, int, int]) -> Volume:
    """Means over blocks; what fills no block repeats the border."""
    pads = [(0, -size % step) for size, step in zip(values.shape, block, strict=True)]
    padded = np.pad(values, pads, mode="edge")
    z, y, x = (size // step for size, step in zip(padded.shape, block, strict=True))
    return np.asarray(padded.reshape(z, block[0], y, block[1], x, block[2]).mean(axis=(1, 3, 5)), dtype=np.float32)


def tissue(coarse: Volume) -> Mask:
    """As bright as grey and white matter, judged by the middle of whatever is no air."""
    head = coarse > AIR * np.percentile(coarse, 99.5)
    if not head.any():
        return head
    box = tuple(middle_half(np.asarray(head.any(axis=tuple(a for a in range(3) if a != axis)))) for axis in range(3))
    inside = coarse[box][head[box]]
    if not inside.size:
        return np.zeros_like(head)
    typical = float(np.median(inside))
    return np.asarray((coarse > TISSUE_FROM * typical) & (coarse < TISSUE_TO * typical))


def middle_half(used: Mask) -> slice:
    places = np.flatnonzero(used)
    first, last = int(places[0]), int(places[-1]) + 1
    quarter = (last - first) // 4
    return slice(first + quarter, last - quarter)


def surface_depth(candidates: Mask) -> Volume:
    """Distance in mm to whatever is no tissue."""
    from scipy import ndimage

    inside = ndimage.distance_transform_edt(np.pad(candidates, 1))[1:-1, 1:-1, 1:-1]
    return np.asarray(inside * COARSE_MM, dtype=np.float32)


def largest_body(candidates: Mask, depth: Volume, bridge: float) -> Mask:
    """The largest component once bridges are cut, grown back to its surface."""
    from scipy import ndimage

    labels, count = ndimage.label(depth > bridge)
    if not count:
        return np.zeros_like(candidates)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = labels == int(sizes.argmax())
    near = ndimage.distance_transform_edt(~body) * COARSE_MM <= bridge + COARSE_MM
    return np.asarray(near & candidates)


def closed(body: Mask) -> Mask:
    """Closed over gaps and filled; `RIM_MM` wider than the surface."""
    from scipy import ndimage

    if not body.any():
        return body
    reach = int(np.ceil(CLOSE_MM / COARSE_MM)) + 1
    padded = np.pad(body, reach)
    grown = ndimage.distance_transform_edt(~padded) * COARSE_MM <= CLOSE_MM
    back = ndimage.distance_transform_edt(ndimage.binary_fill_holes(grown)) * COARSE_MM > CLOSE_MM - RIM_MM
    return np.asarray((back | padded)[(slice(reach, -reach),) * 3])


def refine(coarse: Mask, shape: tuple[int, ...]) -> Mask:
    """The coarse mask on the grid itself."""
    for axis, block in enumerate(BLOCK):
        coarse = coarse.repeat(block, axis=axis)
    return coarse[: shape[0], : shape[1], : shape[2]]


def normalise(values: Volume) -> Volume:
    """Receive field evened out, then 0 the median of the brain and -1..1 about the spread of its tissue."""
    mask = brain_mask(values)
    if not mask.any():
        mask = values >= np.median(values)
    even = values / receive_field(values, mask)
    low, middle, high = np.percentile(even[mask][::7], (15, 50, 90))
    spread = max(float(high - low) / 2, 1e-6)
    return np.asarray(np.clip((even - np.float32(middle)) / np.float32(spread), LOW, HIGH), dtype=np.float32)


def receive_field(values: Volume, mask: Mask) -> Volume:
    """Brightness of tissue, smoothed over `FIELD_MM`, relative to its mean: 1 on average, far from 0 everywhere."""
    from scipy import ndimage

    block = tuple(size * FIELD_BLOCK for size in BLOCK)
    share = (mask & (values > FIELD_FROM * np.median(values[mask][::7]))).astype(np.float32)
    sizes = [FIELD_MM / (COARSE_MM * FIELD_BLOCK)] * 3
    weight, total = (
        ndimage.gaussian_filter(block_mean(part, (block[0], block[1], block[2])), sizes)
        for part in (share, values * share)
    )
    overall = max(float(total.sum() / max(weight.sum(), 1e-6)), 1e-6)
    # a little of the mean everywhere keeps the quotient calm where there is no tissue
    coarse = np.clip((total / overall + 0.02) / (weight + 0.02), 0.3, 3.0)
    zoomed = ndimage.zoom(coarse, block, order=1, mode="nearest", grid_mode=True)
    return np.asarray(zoomed[tuple(slice(size) for size in values.shape)], dtype=np.float32)


def white_over_rim(normalised: Volume, mask: Mask) -> float:
    """How much brighter the depth of the brain is than its rim: clearly above 0 on T1, at or below it on T2."""
    from scipy import ndimage

    coarse = block_mean(normalised, BLOCK)
    inside = block_mean(mask.astype(np.float32), BLOCK) > 0.5
    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1, 1:-1] * COARSE_MM
    parts = [coarse[(depth > low) & (depth < high)] for low, high in (WHITE_DEPTHS_MM, RIM_DEPTHS_MM)]
    return float(np.median(parts[0]) - np.median(parts[1])) if all(len(part) for part in parts) else 0.0
