"""A ball may be a nodule, a rod is a vessel."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.ct_lung_nodule.shape import elongation, is_compact
from inference.plugins.segmentation.lesions import find_lesions
from inference.plugins.segmentation.volumes import Grid
from tests.inference.plugins.segmentation.stacks import ball

pytestmark = pytest.mark.database_free
SHAPE = (10, 40, 40)
GRID = Grid(1.0, 2.0)


def test_a_ball_is_compact_in_millimetres() -> None:
    (mark,) = find_lesions(ball(SHAPE, (5, 18, 24), 7.0, (2.0, 1.0, 1.0)), 0.5, 6)
    assert elongation(mark, GRID) == pytest.approx(1.0, abs=0.1)
    assert is_compact(mark, GRID)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_rod_is_not_however_it_lies(axis: int) -> None:
    rod = np.zeros(SHAPE, dtype=np.float32)
    window = [slice(4, 6), slice(18, 21), slice(18, 21)]
    window[axis] = slice(0, 9) if axis == 0 else slice(10, 30)
    rod[tuple(window)] = 1.0
    (mark,) = find_lesions(rod, 0.5, 6)
    assert not is_compact(mark, GRID)
