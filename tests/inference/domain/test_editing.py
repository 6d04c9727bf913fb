"""Findings that were drawn anew: place, size and site follow from what was drawn."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain.editing import Drawn, ImagesGone, NothingChanged, added, edited
from inference.domain.placing import Images, OutlineInvalid
from inference.domain.report import Code, Finding, Site
from inference.domain.study import InstanceHeader
from inference.drawn_on import as_images
from tests.inference.plugins.segmentation.stacks import headers

pytestmark = pytest.mark.database_free
NODULE = Code("27925004", "SCT", "Nodule", "nodule")
MASS = Code("4147007", "SCT", "Mass", "mass")
FILM = InstanceHeader("film", "application/dicom", "sha", 200, 100, imager_pixel_spacing=(0.5, 0.2))
FLAT = Images((FILM,))
SQUARE = ((20.0, 30.0), (40.0, 30.0), (40.0, 70.0), (20.0, 70.0))


def found(images: Images = FLAT, **drawn: object) -> Finding:
    """A finding that was drawn on the first image."""
    where = Drawn(instance_id=images.headers[0].id, **drawn)  # type: ignore[arg-type]
    made = added("2.25.1", NODULE, where, images)
    site = Site("3341006", "SCT", "Right lung", "R")
    return replace(made, location=replace(made.location, site=site), score=0.7)


def on_film(**drawn: object) -> Drawn:
    return Drawn(instance_id="film", **drawn)  # type: ignore[arg-type]


def test_an_outline_gives_box_centre_axes_and_area_in_the_headers_millimetres() -> None:
    one = found(contour=SQUARE)
    assert one.location.bbox_px == (20, 30, 41, 71)
    assert one.location.centroid_px == (30, 50)
    # 20 columns of 0.2 mm, 40 rows of 0.5 mm
    assert one.size.long_axis_mm == round(math.hypot(4, 20), 2)
    assert one.size.area_mm2 == 80
    assert one.size.spacing_source == "ImagerPixelSpacing"
    assert one.location.centroid_mm is None


def test_a_box_without_an_outline_is_measured_as_the_ellipse_in_it() -> None:
    one = found(bbox=(10, 20, 30, 30))
    assert (one.size.long_axis_px, one.size.short_axis_px) == (20, 10)
    assert (one.size.long_axis_mm, one.size.short_axis_mm) == (5, 4)
    assert one.size.area_mm2 == round(math.pi / 4 * 20, 2)
    assert one.contours == ()


def test_an_outline_goes_with_its_box() -> None:
    one = edited(found(contour=SQUARE), on_film(bbox=(30, 30, 51, 71)), FLAT)
    assert one.contours[0].points == tuple((x + 10, y) for x, y in SQUARE)
    assert one.size == found(contour=SQUARE).size


@settings(deadline=None, max_examples=50)
@given(left=st.integers(0, 60), top=st.integers(0, 150), width=st.integers(2, 39), height=st.integers(2, 49))
def test_an_outline_stretched_to_a_box_stays_within_it(left: int, top: int, width: int, height: int) -> None:
    box = (left, top, left + width, top + height)
    one = edited(replace(found(contour=SQUARE), type=MASS), on_film(bbox=box, type=NODULE), FLAT)
    xs, ys = zip(*one.contours[0].points, strict=True)
    assert left - 0.51 <= min(xs)
    assert max(xs) <= left + width - 0.49
    assert top - 0.51 <= min(ys)
    assert max(ys) <= top + height - 0.49
    assert one.location.bbox_px == box


def test_the_site_stays_while_the_centre_stays_in_the_old_box_and_is_not_known_beyond() -> None:
    before = found(bbox=(10, 10, 30, 30))
    assert edited(before, on_film(bbox=(12, 10, 40, 30)), FLAT).location.site == before.location.site
    assert edited(before, on_film(bbox=(30, 10, 60, 30)), FLAT).location.site is None


def test_a_new_type_alone_moves_nothing_and_needs_no_images() -> None:
    before = found(bbox=(10, 10, 30, 30))
    assert edited(before, Drawn(type=MASS), None) == replace(before, type=MASS)


def test_nothing_is_drawn_on_images_that_are_gone() -> None:
    with pytest.raises(ImagesGone):
        edited(found(bbox=(10, 10, 30, 30)), on_film(bbox=(1, 1, 5, 5)), None)


def test_an_edit_without_a_change_is_none() -> None:
    with pytest.raises(NothingChanged):
        edited(found(bbox=(10, 10, 30, 30)), Drawn(type=NODULE), None)


@pytest.mark.parametrize(
    "drawn",
    [
        {"bbox": (0, 0, 101, 10)}, {"bbox": (0, 0, 10, 201)}, {"bbox": (5, 5, 5, 9)}, {"bbox": (9, 5, 5, 9)},
        {"bbox": (0, 0, math.inf, 9)}, {"bbox": (math.nan, 0, 4, 9)}, {"bbox": (0, 0, 0, 9, 9, 1)},
        {"contour": ((0, 0), (5, 5))}, {"contour": ((0, 0), (5, 5), (9, 9))}, {"contour": ((0, 0), (5, 0), (5, 900))},
        {"contour": ((0, 0), (5, 0), (5, 5)), "frame": 2}, {},
    ],
)  # fmt: skip
def test_what_is_no_place_on_the_image_is_refused(drawn: dict[str, object]) -> None:
    with pytest.raises(OutlineInvalid):
        found(**drawn)


def test_an_image_beyond_the_series_is_refused() -> None:
    with pytest.raises(OutlineInvalid):
        edited(found(bbox=(10, 10, 30, 30)), Drawn(instance_id="other", bbox=(1, 1, 5, 5)), FLAT)


def test_who_reaches_the_border_is_cut_off() -> None:
    assert found(bbox=(0, 10, 30, 30)).truncated
    assert not found(bbox=(1, 10, 30, 30)).truncated


STACK = as_images(tuple(headers(side=60)))


def in_stack(number: int, **drawn: object) -> Drawn:
    return Drawn(instance_id=f"i{number}", **drawn)  # type: ignore[arg-type]


def test_a_box_drawn_on_a_slice_is_one_slice_deep_and_lies_in_the_patient() -> None:
    one = added("2.25.1", NODULE, in_stack(4, bbox=(10, 20, 20, 30)), STACK)
    assert one.location.bbox_px == (10, 20, 4, 20, 30, 5)
    # slices lie 2 mm apart, pixels 1 mm; the first pixel's centre is at (-20, -20, 0)
    assert one.location.centroid_mm == (-5.5, 4.5, 8)
    assert one.location.bbox_mm == (-10.5, -0.5, 7, -0.5, 9.5, 9)
    assert [(each.instance_id, each.best) for each in one.location.instances] == [("i4", True)]


def outlined_on_three_slices() -> Finding:
    one = added("2.25.1", NODULE, in_stack(4, contour=(*SQUARE[:2], (40, 38), (20, 38))), STACK)
    for number in (5, 6):
        one = edited(one, in_stack(number, contour=((20, 30), (30, 30), (30, 38), (20, 38))), STACK)
    return one


def test_outlines_on_slices_add_up_to_a_volume() -> None:
    one = outlined_on_three_slices()
    assert one.location.bbox_px == (20, 30, 4, 40 + 1, 39, 7)
    # areas of 160, 80 and 80 mm2, each 2 mm deep
    assert one.size.volume_mm3 == 640
    assert [each.instance_id for each in one.location.instances if each.best] == ["i4"]


def test_a_box_drawn_on_one_slice_moves_the_outlines_of_all() -> None:
    one = edited(outlined_on_three_slices(), in_stack(5, bbox=(10, 30, 31, 39)), STACK)
    assert one.location.bbox_px == (10, 30, 4, 31, 39, 7)
    assert [each.points[0] for each in one.contours] == [(10, 30)] * 3
    assert one.size.volume_mm3 == 640


def test_a_deep_box_drops_the_outlines_of_the_slices_that_it_left() -> None:
    one = edited(outlined_on_three_slices(), in_stack(5, bbox=(20, 30, 5, 41, 39, 7)), STACK)
    assert [each.instance_id for each in one.contours] == ["i5", "i6"]
    assert one.size.volume_mm3 == 320
