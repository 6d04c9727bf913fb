"""A series as a stack of slices: what speaks against it, and its order and spacing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inference.domain.stack import Stack, origin
from inference.domain.study import InstanceHeader
from inference.intake.ordering import SAME_DIRECTION, slice_positions

LEAST_SPACING = 1e-6
# a gap of more than this many slice distances is a missing slice; less than this share of one is a duplicate
GAP, DUPLICATE = 1.5, 0.1
# how far a slice may lie beside the line through the others, in mm per mm of depth, before the gantry counts as tilted
TILT = 0.035
SAME_SPACING = 1e-3

Fault = tuple[str, dict[str, object]]


def stack_of(headers: Sequence[InstanceHeader]) -> Stack:
    """The stack of slices that `stack_faults` has nothing against, in order."""
    positions = positions_of(headers)
    order = np.argsort(positions, kind="stable")
    placed = np.array(positions)[order]
    spacing = headers[0].pixel_spacing
    assert spacing is not None
    return Stack(tuple(headers[int(n)] for n in order), spacing, float(np.median(np.diff(placed))))


def positions_of(headers: Sequence[InstanceHeader]) -> list[float]:
    found = slice_positions(headers)
    assert found is not None
    return found


def stack_faults(headers: Sequence[InstanceHeader], fewest: int, largest_distance: float) -> Iterator[Fault]:
    """What speaks against the instances as one evenly spaced stack of at least `fewest` slices; most basic first.

    `largest_distance` is that of neighbouring slices, in mm.
    """
    if any(header.frames != 1 for header in headers):
        yield "The series has a multi-frame object; send it as single slices.", {}
        return
    if len(headers) < fewest:
        yield "The series has %(count)s slices; this analysis needs at least %(least)s.", {
            "count": len(headers), "least": fewest}  # fmt: skip
        return
    basic = list(uniform_faults(headers))
    yield from basic
    if not basic:
        yield from distance_faults(headers, largest_distance)


def uniform_faults(headers: Sequence[InstanceHeader]) -> Iterator[Fault]:
    """Positions, directions, matrix and pixel spacing: there, and the same for all."""
    if any(h.orientation is None or h.position is None for h in headers):
        yield "The slices do not say where they lie (position and orientation).", {}
    elif slice_positions(headers) is None:
        yield "The series mixes slices of different directions.", {}
    if len({(h.rows, h.columns) for h in headers}) > 1:
        yield "The slices differ in their numbers of rows and columns.", {}
    spacings = [h.pixel_spacing for h in headers if h.pixel_spacing and min(h.pixel_spacing) > LEAST_SPACING]
    if len(spacings) < len(headers):
        yield "The slices do not give their pixel spacing.", {}
    elif np.ptp(np.array(spacings), axis=0).max() > SAME_SPACING:
        yield "The slices differ in their pixel spacing.", {}


def distance_faults(headers: Sequence[InstanceHeader], largest: float) -> Iterator[Fault]:
    """Duplicates, missing slices, slices too far apart, and a tilted gantry."""
    positions = np.array(positions_of(headers))
    order = np.argsort(positions, kind="stable")
    steps = np.diff(positions[order])
    usual = float(np.median(steps))
    if usual < LEAST_SPACING or (steps < DUPLICATE * usual).any():
        yield "The series has more than one slice at one place.", {}
        return
    gaps = np.flatnonzero(steps > GAP * usual)
    if len(gaps):
        missing = sum(max(1, round(float(steps[gap]) / usual) - 1) for gap in gaps)
        yield "Slices are missing: about %(missing)s, first after slice %(after)s.", {
            "missing": missing, "after": int(gaps[0]) + 1}  # fmt: skip
    if usual > largest:
        yield "The slices lie %(distance)s mm apart; this analysis needs at most %(limit)s mm.", {
            "distance": round(usual, 1), "limit": largest}  # fmt: skip
    if tilt_of(headers, order) > TILT:
        yield "The gantry was tilted: the slices are shifted against each other.", {}


def tilt_of(headers: Sequence[InstanceHeader], order: NDArray[np.intp]) -> float:
    """Sideways shift from the first to the last slice per mm of depth."""
    first, last = headers[int(order[0])], headers[int(order[-1])]
    orientation = np.array(first.orientation)
    way = origin(last) - origin(first)
    normal = np.cross(orientation[:3], orientation[3:])
    depth = float(way @ normal)
    sideways = way - depth * normal
    return float(np.linalg.norm(sideways)) / max(abs(depth), LEAST_SPACING)


def is_near(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two orientations are the same."""
    return float(np.abs(np.array(one) - np.array(other)).max()) < SAME_DIRECTION
