"""The brain is found by brightness and shape, whatever the unit, the plane and the coil; sites by its extents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from inference.plugins.mri_brain_lesion.brain import brain_mask, normalise, white_over_rim
from inference.plugins.mri_brain_lesion.evaluate import inverted
from inference.plugins.mri_brain_lesion.generate import PLANES, posed
from inference.plugins.mri_brain_lesion.heads import sample_head
from inference.plugins.mri_brain_lesion.plugin import LEAST_WHITE_OVER_RIM, SETTINGS, MriBrainLesion
from inference.plugins.mri_brain_lesion.zones import ZONES, Frame, cut_off, frame_of, site_at, zone_at
from inference.plugins.segmentation.evaluate import drawn_scan
from tests.inference.plugins.mri_brain_lesion.scans import SEED, sample_scan

pytestmark = pytest.mark.database_free


def test_the_mask_is_the_brain_of_the_head() -> None:
    rng = np.random.default_rng([SEED])
    brain = posed(rng, sample_head(), PLANES[0]).brain
    found = brain_mask(sample_scan().values)
    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.93


def test_a_skull_around_the_brain_is_left_out() -> None:
    places = np.indices((60, 160, 160)).astype(np.float32)
    radius = np.sqrt(sum(((p - s / 2) * m) ** 2 for p, s, m in zip(places, (60, 160, 160), (2, 1, 1), strict=True)))
    values = np.where(radius < 52, 600.0, np.where(radius < 60, 60.0, np.where(radius < 66, 900.0, 10.0)))
    found = brain_mask(values.astype(np.float32))
    assert found[radius < 50].all()
    assert not found[(radius > 61) & (radius < 66)].any()


def test_air_has_no_brain() -> None:
    assert not brain_mask(np.zeros((20, 64, 64), np.float32)).any()


def test_normalised_values_do_not_depend_on_the_unit() -> None:
    values = sample_scan().values
    assert np.abs(normalise(values * 7) - normalise(values)).max() < 0.01


def test_normalised_values_hardly_depend_on_the_coil() -> None:
    values = sample_scan().values
    ramp = np.linspace(0.75, 1.25, values.shape[2], dtype=np.float32)[None, None]
    mask = brain_mask(values)
    apart = np.abs(normalise(values * ramp) - normalise(values))[mask]
    control = np.abs(values * ramp - values)[mask] / values[mask].std()
    assert np.median(apart) < 0.75 * np.median(control)


@pytest.mark.parametrize("plane", range(3))
def test_white_matter_outshines_the_rim_on_t1_and_not_with_the_contrast_of_t2(plane: int) -> None:
    for values, is_t1 in ((sample_scan(plane).values, True), (inverted(sample_scan(plane).values), False)):
        assert (white_over_rim(normalise(values), brain_mask(values)) > LEAST_WHITE_OVER_RIM) == is_t1


@pytest.mark.parametrize(
    ("point", "zone", "side"),
    [
        ((-35, -40, 45), "Frontal lobe", "R"),
        ((30, 55, 50), "Parietal lobe", "L"),
        ((-52, 20, -18), "Temporal lobe", "R"),
        ((12, 90, 5), "Occipital lobe", "L"),
        ((10, 18, 8), "Thalamus", "L"),
        ((-22, -8, 4), "Corpus striatum", "R"),
        ((30, 62, -38), "Cerebellum", "L"),
        ((0, 26, -30), "Brain stem", ""),
    ],
)
def test_places_in_a_standard_brain_have_their_lobe_and_side(
    point: tuple[float, float, float], zone: str, side: str
) -> None:
    # points are in LPS from the anterior commissure; the frame's centre is the middle of a standard brain
    x, y, z = point
    site = site_at(Frame((0.0, 17.0, 80.0), (1.0, 1.0, 1.0), True), (x, y, z))
    assert site is not None
    assert (site.display.split(",")[0], site.laterality) == (zone, side)


def test_every_place_has_a_zone_that_is_named() -> None:
    grid = [(x, y, z) for x in range(0, 70, 7) for y in range(-100, 70, 10) for z in range(-50, 75, 10)]
    assert {zone_at(*place) for place in grid} <= set(ZONES)


@pytest.mark.parametrize("plane", range(3))
def test_the_extents_of_a_head_give_its_scale_in_every_plane(plane: int) -> None:
    scan = drawn_scan(sample_scan(plane).values, SETTINGS.grid, PLANES[plane])
    region = MriBrainLesion().region(scan)
    frame = frame_of(region.allowed, scan.stack, 2.0)
    assert frame is not None
    assert all(0.8 < one < 1.2 for one in frame.scale)
    assert frame.has_lobes or plane


@pytest.mark.parametrize("plane", range(3))
def test_left_and_right_follow_patient_coordinates(plane: int) -> None:
    scan = drawn_scan(sample_scan(plane).values, SETTINGS.grid, PLANES[plane])
    region = MriBrainLesion().region(scan)
    frame = frame_of(region.allowed, scan.stack, 2.0)
    assert frame is not None
    for shift, side in ((40.0, "L"), (-40.0, "R"), (0.0, "")):
        site = site_at(frame, (frame.centre[0] + shift, frame.centre[1], frame.centre[2] - 50))
        assert site is not None
        assert site.laterality == side


def test_a_brain_that_is_cut_off_has_a_side_at_most() -> None:
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[5:15, 5:15, 5:15] = True
    assert cut_off(mask, np.array(PLANES[0])) == (False, False, False, False)
    mask[-1, 5:15, 5:15] = True
    assert cut_off(mask, np.array(PLANES[0])) == (False, False, False, True)
    assert cut_off(mask, np.array(PLANES[1]))[0]
    part = site_at(Frame((0, 0, 0), (1, 1, 1), False), (30.0, 0, 0))
    assert part is not None
    assert (part.code, part.laterality) == ("12738006", "L")
    assert site_at(None, (30.0, 0, 0)) is None


def test_codes_of_zones_are_told_apart() -> None:
    codes: Sequence[str] = [code for code, _ in ZONES.values()]
    assert len(set(codes)) == len(codes)
