"""Drawn scans: the same for the same seed, with lesions as their kind says, as real DICOM series in any plane."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from inference.domain.errors import UnreadableFile, UnsupportedInput
from inference.plugins.mri_brain_lesion.brain import normalise
from inference.plugins.mri_brain_lesion.generate import PLANES, SCALE, SHAPE, draw_scan, lesion_count, sample_study
from inference.plugins.mri_brain_lesion.heads import sample_head
from inference.plugins.mri_brain_lesion.lesions import LARGEST, SMALLEST
from inference.plugins.mri_brain_lesion.subjects import head_files, read_nifti
from inference.plugins.mri_brain_lesion.train import CUT
from inference.plugins.segmentation.slabs import CROP, cut_slabs
from tests.inference.plugins.mri_brain_lesion.scans import normal_scan, sample_scan

pytestmark = pytest.mark.database_free


def nifti(values: NDArray[Any], axes: tuple[float, float, float] = (1, 1, 1)) -> bytes:
    """A NIfTI-1 file of 16-bit values with this affine diagonal."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<f", header, 108, 352.0)
    struct.pack_into("<12f", header, 280, axes[0], 0, 0, 0, 0, axes[1], 0, 0, 0, 0, axes[2], 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + values.astype("<i2").tobytes(order="F")


def test_a_seed_gives_the_same_scan_and_another_seed_another() -> None:
    first, same, other = (draw_scan(sample_head(), [seed], 2) for seed in (1, 1, 2))
    assert (first.values == same.values).all()
    assert first.lesions == same.lesions
    assert (first.values != other.values).any()


def test_lesions_have_the_size_that_is_told_and_the_brightness_of_their_kind() -> None:
    scan = draw_scan(sample_head(), [5], 10, 0)
    assert len(scan.lesions) > 5
    normal = normalise(scan.values)
    for lesion in scan.lesions:
        inside = scan.truth == lesion.number
        assert lesion.diameter == pytest.approx((6 * int(inside.sum()) * 2.0 / np.pi) ** (1 / 3))
        assert 0.7 * SMALLEST < lesion.diameter < 1.4 * LARGEST
        if lesion.diameter > 10:
            assert (np.percentile(normal[inside], 85) > 1.2) == (lesion.kind == "bright"), lesion


def test_a_normal_scan_has_none() -> None:
    assert not normal_scan().truth.any()
    counts = [lesion_count(5, index, crowded=False) for index in range(9)]
    assert [counts[n] for n in (0, 3, 6)] == [0, 0, 0]
    assert all(counts[n] for n in (1, 2, 4, 5, 7, 8))


@pytest.mark.parametrize("plane", range(3))
def test_the_sample_study_is_a_dicom_series_in_order(tmp_path: Path, plane: int) -> None:
    scan = sample_study(tmp_path, 3, 3, plane)
    files = [dcmread(path) for path in sorted(tmp_path.iterdir())]
    assert len(files) == SHAPE[0]
    assert len({str(one.SOPInstanceUID) for one in files}) == SHAPE[0]
    assert {str(one.SeriesInstanceUID) for one in files} == {str(files[0].SeriesInstanceUID)}
    normal = np.cross(PLANES[plane][:3], PLANES[plane][3:])
    places = [float(np.dot(normal, one.ImagePositionPatient)) for one in files]
    assert np.diff(places) == pytest.approx(2.0)
    assert (files[7].pixel_array == scan.values[7]).all()


def test_training_crops_show_lesions_and_their_labels() -> None:
    scan = sample_scan()
    stored, truth = np.rint(normalise(scan.values)[None] * SCALE).astype(np.int16), scan.truth[None]
    slabs = cut_slabs(stored, truth, 40, np.random.default_rng(2), CUT)
    batch = slabs.batch(np.arange(24), np.random.default_rng(3))
    assert batch.images.shape == (24, CROP, CROP, 5)
    assert (batch.maps.max(axis=(1, 2, 3)) > 0).mean() > 0.4
    again = slabs.batch(np.arange(24), np.random.default_rng(3))
    assert (again.images == batch.images).all()


def test_a_nifti_file_is_read_towards_right_front_and_top(tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "head.nii"
    path.write_bytes(nifti(values))
    assert (read_nifti(path) == values).all()
    path.write_bytes(nifti(values, (-1, 1, 1)))
    assert (read_nifti(path) == values[::-1]).all()


def test_other_grids_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.nii"
    path.write_bytes(nifti(np.zeros((2, 2, 2)), (2, 2, 2)))
    with pytest.raises(UnsupportedInput, match="1 mm"):
        read_nifti(path)
    path.write_bytes(b"no head at all")
    with pytest.raises(UnreadableFile, match="NIfTI"):
        read_nifti(path)


def test_training_without_heads_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="T1 heads"):
        head_files(tmp_path)
