"""Components across slices become outlines, places and sizes in the source's own slices."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.segmentation.geometry import stack_of
from inference.plugins.segmentation.lesions import draw, find_lesions, label_lesions
from inference.plugins.segmentation.volumes import Grid, read_scan
from tests.inference.plugins.segmentation.stacks import ball, headers, scan

pytestmark = pytest.mark.database_free
CELL = (2.0, 1.0, 1.0)
SHAPE = (10, 40, 40)


def test_a_ball_is_one_lesion_with_its_diameter_volume_and_place() -> None:
    probability = ball(SHAPE, (5, 18, 24), 7.0, CELL)
    (lesion,) = find_lesions(probability, 0.5, 8)
    drawn = draw(lesion, scan(probability), 0.5, None)
    assert drawn.size.long_axis_mm == pytest.approx(14, abs=0.7)
    assert drawn.size.short_axis_mm == pytest.approx(14, abs=0.7)
    assert drawn.size.volume_mm3 == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.1)
    assert drawn.location.centroid_px == pytest.approx((24, 18, 5), abs=0.1)
    assert drawn.location.centroid_mm == pytest.approx((4, -2, 10), abs=0.2)
    assert drawn.size.spacing_source == "PixelSpacing"
    assert not lesion.truncated


def test_it_has_an_outline_on_every_slice_that_it_crosses_and_one_best() -> None:
    probability = ball(SHAPE, (5, 18, 24), 7.0, CELL)
    (lesion,) = find_lesions(probability, 0.5, 8)
    drawn = draw(lesion, scan(probability), 0.5, None)
    assert [one.instance_id for one in drawn.contours] == [f"i{n}" for n in range(2, 9)]
    assert [one.instance_id for one in drawn.location.instances if one.best] == ["i5"]


def test_outlines_follow_the_source_where_its_slices_are_closer_than_the_grid() -> None:
    probability = ball(SHAPE, (5, 18, 24), 7.0, CELL)
    (lesion,) = find_lesions(probability, 0.5, 8)
    drawn = draw(lesion, scan(probability, distance=1.0, slices=19), 0.5, None)
    assert len(drawn.contours) == 13
    assert drawn.location.centroid_px[2] == pytest.approx(10, abs=0.1)


def test_a_lesion_between_two_thick_slices_is_shown_on_the_nearest() -> None:
    probability = ball(SHAPE, (5, 18, 24), 2.6, CELL)
    (lesion,) = find_lesions(probability, 0.5, 8)
    drawn = draw(lesion, scan(probability, distance=6.0, slices=4), 0.5, None)
    assert [one.instance_id for one in drawn.contours] == ["i2"]


def test_two_lesions_come_apart_and_specks_are_dropped() -> None:
    second = ball(SHAPE, (7, 30, 30), 5.0, CELL) * np.float32(0.9)
    probability = np.asarray(ball(SHAPE, (3, 10, 10), 5.0, CELL) + second, dtype=np.float32)
    probability[0, 0, 0] = 1.0
    found = find_lesions(probability, 0.5, 8)
    assert [round(one.peak, 1) for one in found] == [1.0, 0.9]
    labels = label_lesions(found, SHAPE)
    assert (labels[3, 10, 10], labels[7, 30, 30], labels[0, 0, 0]) == (1, 2, 0)


def test_a_lesion_outside_of_what_is_allowed_is_dropped() -> None:
    allowed = np.zeros(SHAPE, dtype=bool)
    probability = ball(SHAPE, (5, 18, 24), 7.0, CELL)
    assert find_lesions(probability, 0.5, 8, allowed) == []
    allowed[5, 18, 24] = True
    assert len(find_lesions(probability, 0.5, 8, allowed)) == 1


def test_a_lesion_at_the_border_of_the_scan_is_truncated() -> None:
    (lesion,) = find_lesions(ball(SHAPE, (0, 18, 24), 7.0, CELL), 0.5, 8)
    assert lesion.truncated


def test_a_scan_is_resampled_to_the_grid_and_keeps_its_values() -> None:
    stack = stack_of(headers(21, 1.0, 80, pixel_spacing=(0.5, 0.5)))
    read = read_scan(stack, lambda header: np.full((80, 80), float(header.id[1:]), np.float32), Grid(1.0, 2.0))
    assert read.values.shape == (11, 40, 40)
    assert read.values[:, 20, 20] == pytest.approx(np.arange(11) * 2.0, abs=0.5)
    assert (read.column(0), read.slice(3)) == (0.5, 6.0)
