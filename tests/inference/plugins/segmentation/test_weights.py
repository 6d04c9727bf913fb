"""A small lesion counts as much as a large one."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.segmentation.weights import even_weights

pytestmark = pytest.mark.database_free


def test_small_lesions_and_their_rims_weigh_more_up_to_a_limit() -> None:
    truth = np.zeros((60, 60), dtype=bool)
    truth[5:7, 5:7] = truth[20:25, 20:25] = truth[35:55, 35:55] = True
    weights = even_weights(truth, 100, 6)
    assert (weights[5, 5], weights[22, 22], weights[45, 45], weights[0, 59]) == (6, 4, 1, 1)
    assert weights[8, 8] == 6
    assert weights[9, 9] == 1


def test_a_map_without_lesions_is_even() -> None:
    assert (even_weights(np.zeros((8, 8), dtype=bool), 100, 6) == 1).all()
