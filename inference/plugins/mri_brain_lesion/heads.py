"""The head that comes with the product, for the sample study and the tests; no model was trained on it.

It is the MNI152 2009a symmetric average (T1), brain only, at 1.5 mm and 64 levels. Its copyright notice stands beside
it and must stay with every copy.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from inference.plugins.mri_brain_lesion.subjects import Subject, subject_of

FILE = Path(__file__).with_name("heads") / "mni152.npz"
SPACING_MM = 1.5
LEVELS = 63
MARGIN = 4


@lru_cache(maxsize=1)
def sample_head() -> Subject:
    """The head on a grid of 1 mm."""
    from scipy import ndimage

    with np.load(FILE, allow_pickle=False) as stored:
        values = stored["values"].astype(np.float32) / LEVELS
    return subject_of("mni152", ndimage.zoom(np.pad(values, MARGIN), SPACING_MM, order=1).astype(np.float32))


def write_head(path: Path, subject: Subject) -> None:
    """Store a head as this module reads it, cropped to what is not black."""
    from scipy import ndimage

    used = np.argwhere(subject.values > 0.02)
    low, high = used.min(axis=0), used.max(axis=0) + 1
    cropped = subject.values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    coarse = ndimage.zoom(cropped, 1 / SPACING_MM, order=1)
    np.savez_compressed(path, values=np.rint(np.clip(coarse, 0, 1) * LEVELS).astype(np.uint8))
