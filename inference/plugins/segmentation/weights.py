"""How much each place of a training map counts: a small lesion as much as a large one, though it has few pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIM = 2


def even_weights(truth: NDArray[np.bool_], usual_area: float, most: float) -> NDArray[np.float32]:
    """1 everywhere but at lesions (rows, columns) smaller than `usual_area` pixels, where it rises up to `most`.

    The rim of a lesion counts as the lesion does: there it is told from what is around it.
    """
    from scipy import ndimage

    weights = np.ones(truth.shape, dtype=np.float32)
    labels, count = ndimage.label(truth)
    if not count:
        return weights
    areas = np.bincount(labels.ravel())
    gains = np.clip(usual_area / np.maximum(areas, 1), 1, most).astype(np.float32)
    gains[0] = 1
    return np.asarray(ndimage.grey_dilation(gains[labels], size=2 * RIM + 1), dtype=np.float32)
