"""Drawn scans: the same for the same seed, with nodules of the density that their kind says, as real DICOM series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from inference.plugins.ct_lung_nodule.generate import draw_scan, nodule_count, sample_study
from inference.plugins.ct_lung_nodule.nodules import LARGEST, SMALLEST
from inference.plugins.ct_lung_nodule.train import CUT
from inference.plugins.segmentation.slabs import CROP, cut_slabs
from tests.inference.plugins.ct_lung_nodule.scans import normal_scan, sample_scan

pytestmark = pytest.mark.database_free
SMALL = (40, 160, 200)


def test_a_seed_gives_the_same_scan_and_another_seed_another() -> None:
    first, same, other = (draw_scan(seed, 0, 3, SMALL) for seed in (1, 1, 2))
    assert (first.hu == same.hu).all()
    assert first.nodules == same.nodules
    assert (first.hu != other.hu).any()


def test_nodules_have_the_size_that_is_told_and_lie_where_the_labels_say() -> None:
    scan = sample_scan()
    assert scan.nodules
    for nodule in scan.nodules:
        cells = int((scan.truth == nodule.number).sum())
        assert nodule.diameter == pytest.approx((6 * cells * 2.0 / np.pi) ** (1 / 3))
        assert 0.7 * SMALLEST < nodule.diameter < 1.4 * LARGEST


def test_nodules_are_denser_than_the_lung_around_them() -> None:
    scan = sample_scan()
    for nodule in scan.nodules:
        assert np.median(scan.hu[scan.truth == nodule.number]) > -720, nodule


def test_a_normal_scan_has_none() -> None:
    assert not normal_scan().truth.any()
    counts = [nodule_count(5, index, crowded=False) for index in range(9)]
    assert [counts[n] for n in (0, 3, 6)] == [0, 0, 0]
    assert all(counts[n] for n in (1, 2, 4, 5, 7, 8))


def test_the_sample_study_is_a_dicom_series_in_order(tmp_path: Path) -> None:
    scan = sample_study(tmp_path, 1, 3, SMALL)
    files = [dcmread(path) for path in sorted(tmp_path.iterdir())]
    assert len(files) == SMALL[0]
    assert len({str(one.SOPInstanceUID) for one in files}) == SMALL[0]
    assert {str(one.SeriesInstanceUID) for one in files} == {str(files[0].SeriesInstanceUID)}
    heights = [float(one.ImagePositionPatient[2]) for one in files]
    assert np.diff(heights) == pytest.approx(2.0)
    hu = files[7].pixel_array * float(files[7].RescaleSlope) + float(files[7].RescaleIntercept)
    assert (hu == scan.hu[7]).all()


def test_training_crops_show_nodules_and_their_labels() -> None:
    scan = sample_scan()
    hu, truth = scan.hu[None].astype(np.int16), scan.truth[None]
    slabs = cut_slabs(hu, truth, 40, np.random.default_rng(2), CUT)
    batch = slabs.batch(np.arange(24), np.random.default_rng(3))
    assert batch.images.shape == (24, CROP, CROP, 5)
    assert np.abs(batch.images).max() <= 1
    assert (batch.maps.max(axis=(1, 2, 3)) > 0).mean() > 0.5
    again = slabs.batch(np.arange(24), np.random.default_rng(3))
    assert (again.images == batch.images).all()
