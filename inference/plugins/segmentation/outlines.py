"""From maps of probability to closed outlines. Points are (n, 2) as x and y in pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.domain.outlines import Points


def trace(values: NDArray[np.float32], level: float) -> Points:
    """The longest line on which a plane, zero outside the component, crosses `level`: closed, in pixels of the plane.

    Raises `ValueError` where it never does.
    """
    from skimage.measure import find_contours

    lines = find_contours(np.pad(values, 1), level)  # type: ignore[no-untyped-call]
    longest = max(lines, key=len)
    return np.stack([longest[:, 1] - 1, longest[:, 0] - 1], axis=1)
