"""Outlines of findings on their images: the one to show, in pixels as DICOM counts them, in mm, and as a mask."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from inference.domain.report import Contour, Finding

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]
# ours has (0, 0) at the centre of the first pixel, a spatial coordinate of DICOM at its corner (PS3.3, C.18.6.1.1)
CORNER = 0.5


def best_contour(finding: Finding) -> Contour | None:
    """The outline on the image to look at first; the box where there is none, None without an image."""
    best = next((one.instance_id for one in finding.location.instances if one.best), "")
    chosen = sorted(finding.contours, key=lambda contour: contour.instance_id != best)
    return chosen[0] if chosen else box_of(finding)


def box_of(finding: Finding) -> Contour | None:
    """The box as an outline. It is half-open in pixels, so that it ends at their borders."""
    images = sorted(finding.location.instances, key=lambda one: not one.best)
    if not images or not images[0].instance_id:
        return None
    half = len(finding.location.bbox_px) // 2
    (x0, y0), (x1, y1) = finding.location.bbox_px[:2], finding.location.bbox_px[half : half + 2]
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return Contour(images[0].instance_id, images[0].frame, tuple((x - CORNER, y - CORNER) for x, y in corners))


def closed(contour: Contour) -> Points:
    """The points, the first one again at the end."""
    points = np.array(contour.points, dtype=np.float64)
    return points if (points[0] == points[-1]).all() else np.vstack([points, points[:1]])


def in_image(points: Points, original: Dataset) -> Points:
    """Points as spatial coordinates of an image, held inside of it."""
    edge = np.array([int(original.Columns), int(original.Rows)], dtype=np.float64)
    return np.clip(points + CORNER, 0, edge)


def in_patient(points: Points, original: Dataset) -> Points:
    """Points in mm (LPS), by the plane of the image (DICOM PS3.3, C.7.6.2.1.1)."""
    origin = np.array(original.ImagePositionPatient, dtype=np.float64)
    along_row, along_column = np.array(original.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    between_rows, between_columns = (float(one) for one in original.PixelSpacing)
    x, y = points[:, :1], points[:, 1:]
    return np.asarray(origin + x * between_columns * along_row + y * between_rows * along_column)


def filled(contour: Contour, rows: int, columns: int) -> Mask:
    """The pixels whose centres lie inside, shape (rows, columns); for an outline too thin, those that it touches.

    By the even-odd rule: a pixel is inside when a ray to the left of it crosses the outline an odd number of times.
    """
    points = closed(contour)
    mask = np.zeros((rows, columns), dtype=np.bool_)
    for (x0, y0), (x1, y1) in pairwise(points):
        if y0 == y1:
            continue
        first, last = sorted((y0, y1))
        lines = np.arange(max(0, int(np.ceil(first))), min(rows, int(np.ceil(last))))
        crossings = np.ceil(x0 + (lines - y0) * (x1 - x0) / (y1 - y0)).astype(int).clip(0, columns)
        for line, crossing in zip(lines, crossings, strict=True):
            mask[line, crossing:] ^= True
    return mask if mask.any() else touched(points, rows, columns)


def touched(points: Points, rows: int, columns: int) -> Mask:
    """The pixels that the corners of an outline lie in."""
    mask = np.zeros((rows, columns), dtype=np.bool_)
    x, y = np.rint(points).astype(int).T
    mask[y.clip(0, rows - 1), x.clip(0, columns - 1)] = True
    return mask
