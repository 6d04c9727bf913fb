"""The density class follows a rule on the HU inside the outline; side and zone follow from patient coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.ct_lung_nodule import plugin
from inference.plugins.ct_lung_nodule.density import code_of, density_class
from inference.plugins.ct_lung_nodule.lungs import site_at
from inference.plugins.segmentation.evaluate import drawn_scan
from inference.plugins.segmentation.lesions import find_lesions
from tests.inference.plugins.ct_lung_nodule.scans import inputs_of, sample_scan

pytestmark = pytest.mark.database_free


def values(*parts: tuple[int, float]) -> np.ndarray:
    """So many cells of each density."""
    return np.concatenate([np.full(count, hu, dtype=np.float32) for count, hu in parts])


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        (values((80, 30), (20, -500)), "nodule.solid"),
        (values((100, -600)), "nodule.ground_glass"),
        (values((30, 20), (70, -600)), "nodule.part_solid"),
        (values((40, 500), (50, 30), (10, -500)), "nodule.calcified"),
    ],
)
def test_densities_name_the_class(given: np.ndarray, slug: str) -> None:
    assert density_class(given, 2.0) == slug
    assert code_of(slug, 12.0).code == "27925004"


def test_more_than_three_centimetres_is_a_mass() -> None:
    assert code_of("nodule.solid", 30.5).display == "Solid mass"
    assert code_of("nodule.solid", 29.0).display == "Solid nodule"
    assert code_of("nodule.solid", None).display == "Solid nodule"


def test_the_known_outlines_of_drawn_nodules_give_their_kinds() -> None:
    scan = sample_scan()
    for nodule in scan.nodules:
        if nodule.diameter >= 6:
            inside = scan.hu[scan.truth == nodule.number]
            assert density_class(inside, 2.0) == f"nodule.{nodule.kind}", nodule


def test_the_patients_left_is_the_left_lung_however_the_columns_run() -> None:
    hu = sample_scan().hu
    region = plugin.region(drawn_scan(hu, plugin.settings.grid))
    middle = region.allowed.shape[0] // 2
    left = np.argwhere(region.allowed[middle])[-1]
    site = site_at(region.labels, (middle, *left))
    assert site is not None
    assert site.display.startswith(("Left lung", "Right lung"))
    columns = np.flatnonzero(region.allowed[middle].any(axis=0))
    row = int(np.flatnonzero(region.allowed[middle, :, columns[-1]])[0])
    at = site_at(region.labels, (middle, row, float(columns[-1])))
    assert at is not None
    assert (at.laterality, at.code) == ("L", "44029006")
    mirrored, pixels = inputs_of(hu, orientation=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0))
    turned = plugin.prepare(mirrored, pixels)[0].region
    at = site_at(turned.labels, (middle, row, float(columns[-1])))
    assert at is not None
    assert at.laterality == "R"


def test_zones_count_from_the_top() -> None:
    region = plugin.region(drawn_scan(sample_scan().hu, plugin.settings.grid))
    lowest, highest = region.slices[0], region.slices[-1]
    for index, zone in ((lowest, "lower"), (highest, "upper")):
        row, column = np.argwhere(region.allowed[index])[0]
        site = site_at(region.labels, (index, int(row), int(column)))
        assert site is not None
        assert zone in site.display


def test_every_drawn_nodule_lies_where_findings_may_lie() -> None:
    scan = sample_scan()
    region = plugin.region(drawn_scan(scan.hu, plugin.settings.grid))
    found = find_lesions((scan.truth > 0).astype(np.float32), 0.5, 4, region.allowed)
    assert len(found) == len(scan.nodules)
