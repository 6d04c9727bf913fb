"""The order of the instances of a series. z in every result counts slices in this order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.domain.study import InstanceHeader

# two slices belong to one stack when their direction cosines differ by less
SAME_DIRECTION = 1e-3


def in_order(instances: Sequence[InstanceHeader]) -> tuple[InstanceHeader, ...]:
    """By position along the slice normal (row direction x column direction) where known, else by instance number."""
    numbered = sorted(instances, key=lambda one: (one.instance_number is None, one.instance_number or 0))
    positions = slice_positions(numbered)
    if positions is None:
        return tuple(numbered)
    # stable, so that instances at one place (echoes, phases) stay in order of their number
    return tuple(numbered[int(index)] for index in np.argsort(positions, kind="stable"))


def slice_positions(instances: Sequence[InstanceHeader]) -> list[float] | None:
    """Position of each instance along the common normal in mm; `None` where the instances are no stack of slices."""
    orientations = [np.array(one.orientation) for one in instances if one.orientation is not None]
    positions = [np.array(one.position) for one in instances if one.position is not None]
    if not instances or not len(orientations) == len(positions) == len(instances):
        return None
    if any(np.abs(other - orientations[0]).max() > SAME_DIRECTION for other in orientations):
        return None
    normal = np.cross(orientations[0][:3], orientations[0][3:])
    return [float(position @ normal) for position in positions]
