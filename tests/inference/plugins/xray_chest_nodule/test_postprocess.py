"""Maps become findings with place, size and site in the source's pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.domain.report import Report
from inference.domain.study import InstanceHeader
from inference.plugins.segmentation.scoring import Scoring
from inference.plugins.xray_chest_nodule.postprocess import FilmMaps, build_report
from inference.plugins.xray_chest_nodule.preprocess import FIELD, place

pytestmark = pytest.mark.database_free
ROWS, COLUMNS = 1024, 768
SCORING = Scoring(1.0, 0.0, 0.6)


def maps(*disks: tuple[int, int, int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Opacity with disks of (row, column, radius, probability) in the field, and two lungs."""
    rows, columns = np.mgrid[:FIELD, :FIELD]
    opacity = np.zeros((FIELD, FIELD), dtype=np.float32)
    for row, column, radius, probability in disks:
        opacity[np.hypot(rows - row, columns - column) <= radius] = probability
    lung = np.zeros_like(opacity)
    lung[40:200, 45:110] = lung[40:200, 150:215] = 1.0
    return opacity, lung


def report(*disks: tuple[int, int, int, float], **header: Any) -> Report:
    known = InstanceHeader("film", "application/dicom", "sha", ROWS, COLUMNS, sop_instance_uid="1.2.3", **header)
    opacity, lung = maps(*disks)
    return build_report([FilmMaps(1, known, place(ROWS, COLUMNS), opacity, lung)], SCORING, [])


def test_a_disk_is_found_at_its_place_in_source_pixels() -> None:
    (found,) = report((100, 80, 10, 0.9)).findings
    # 4 source pixels per field pixel, and a margin of 32 field pixels on the left
    assert found.location.centroid_px == pytest.approx(((80.5 - 32) * 4 - 0.5, 100.5 * 4 - 0.5), abs=0.1)
    assert found.size.long_axis_px == pytest.approx(84, abs=5)
    assert found.location.site is not None
    assert (found.location.site.laterality, found.location.site.display) == ("R", "Right lung, mid zone")
    assert len(found.contours[0].points) > 20


def test_weak_and_tiny_ones_are_left_out_and_the_surest_comes_first() -> None:
    found = report((60, 80, 10, 0.7), (150, 180, 10, 0.95), (100, 180, 10, 0.55), (180, 80, 1, 0.99)).findings
    assert [round(one.score, 2) for one in found] == [0.95, 0.7]
    assert [one.location.site.laterality for one in found if one.location.site] == ["L", "R"]


@pytest.mark.parametrize(
    ("spacing", "source", "slug"),
    [
        ({"pixel_spacing": (0.3, 0.3)}, "PixelSpacing", "opacity.nodule"),
        ({"imager_pixel_spacing": (0.5, 0.5)}, "ImagerPixelSpacing", "opacity.mass"),
        ({"pixel_spacing": (0.0, 0.0)}, "none", "opacity.nodule"),
    ],
)
def test_millimetres_and_type_follow_from_the_spacing(spacing: dict[str, Any], source: str, slug: str) -> None:
    found = report((100, 80, 10, 0.9), **spacing)
    (one,) = found.findings
    assert (one.size.spacing_source, one.type.slug) == (source, slug)
    assert (one.size.mean_diameter_mm is None) == (source == "none")
    assert any("spacing" in note or "receptor" in note for note in found.notes) == (source != "PixelSpacing")


def test_a_disk_at_the_border_of_the_image_is_truncated() -> None:
    whole, cut = report((100, 80, 10, 0.9), (2, 80, 10, 0.8)).findings
    assert (whole.truncated, cut.truncated) == (False, True)


def test_without_lungs_no_site_is_named() -> None:
    known = InstanceHeader("film", "application/dicom", "sha", ROWS, COLUMNS)
    opacity, lung = maps((100, 80, 10, 0.9))
    made = build_report([FilmMaps(1, known, place(ROWS, COLUMNS), opacity, lung * 0)], SCORING, [])
    assert made.findings[0].location.site is None


def test_the_tracking_uid_stays_the_same() -> None:
    first, again = (report((100, 80, 10, 0.9)).findings[0].tracking_uid for _ in range(2))
    assert first == again
