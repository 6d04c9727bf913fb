"""From an image to the figure that is measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import InstanceHeader


def brightness(pixels: NDArray[np.float32], header: InstanceHeader) -> float:
    """The mean over all pixels and channels as a share of the range that the header's `bits_stored` gives."""
    return float(pixels.mean()) / (2**header.bits_stored - 1)
