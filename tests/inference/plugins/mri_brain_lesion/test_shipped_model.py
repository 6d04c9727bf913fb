"""The shipped weights on the sample study and on a head without lesions; a short training from beginning to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.analysis import analyse, read_study
from inference.domain.report import Finding, Report
from inference.plugins.base import TrainingOptions
from inference.plugins.contract import Sample, loaded, run
from inference.plugins.mri_brain_lesion import plugin
from inference.plugins.mri_brain_lesion.generate import DrawnScan, sample_study
from inference.plugins.mri_brain_lesion.plugin import MriBrainLesion
from inference.plugins.mri_brain_lesion.subjects import HELD_OUT, TRAINING
from inference.plugins.segmentation.train import Amounts, train_scans
from tests.inference.plugins.mri_brain_lesion.scans import LESIONS, SEED, inputs_of, normal_scan, sample_scan
from tests.inference.plugins.mri_brain_lesion.test_generate import nifti

pytestmark = pytest.mark.database_free


@pytest.fixture(scope="module")
def report() -> Report:
    return run(loaded(plugin), [Sample("sample", *inputs_of(sample_scan().values))])[0]


def lesion_at(scan: DrawnScan, found: Finding) -> int:
    """The label under the centre of a finding, 0 for none; its neighbours count."""
    x, y, z = (round(value) for value in found.location.centroid_px)
    return int(scan.truth[max(0, z - 1) : z + 2, y - 2 : y + 3, x - 2 : x + 3].max())


def test_the_sample_study_has_findings_on_its_lesions(report: Report) -> None:
    scan = sample_scan()
    on = [lesion_at(scan, found) for found in report.findings]
    assert {lesion.number for lesion in scan.lesions if lesion.diameter >= 10} <= set(on)
    assert on.count(0) <= 1


def test_sizes_sites_types_and_outlines_are_told(report: Report) -> None:
    scan = sample_scan()
    by_number = {lesion.number: lesion for lesion in scan.lesions}
    for found in report.findings:
        number = lesion_at(scan, found)
        if number and by_number[number].diameter >= 10:
            assert found.size.volume_mm3 is not None
            edge = (6 * found.size.volume_mm3 / np.pi) ** (1 / 3)
            assert edge == pytest.approx(by_number[number].diameter, rel=0.3)
            assert found.type.slug == f"lesion.t1_{by_number[number].kind}"
            assert found.location.site is not None
            assert found.location.centroid_mm is not None
            assert len(found.contours) == len(found.location.instances) > 1


def test_a_head_without_lesions_has_hardly_a_finding() -> None:
    (report,) = run(loaded(plugin), [Sample("normal", *inputs_of(normal_scan().values))])
    assert len(report.findings) <= 1


def test_the_real_dicom_series_gives_what_its_volume_gives(tmp_path: Path, report: Report) -> None:
    sample_study(tmp_path, SEED, LESIONS)
    with read_study(sorted(tmp_path.iterdir())) as study:
        outcome = analyse(plugin, study)
    assert [found.type.slug for found in outcome.report.findings] == [found.type.slug for found in report.findings]
    for one, other in zip(outcome.report.findings, report.findings, strict=True):
        assert one.location.centroid_px == pytest.approx(other.location.centroid_px, abs=0.5)


def heads_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Two heads in NIfTI: a bright core in a grey rim, with a dark middle."""
    places = np.indices((150, 180, 150)).astype(np.float32)
    radius = np.sqrt(sum(((p - s / 2) / s * 2) ** 2 for p, s in zip(places, (150, 180, 150), strict=True)))
    values = np.where(radius < 0.2, 250, np.where(radius < 0.6, 900, np.where(radius < 0.75, 600, 5)))
    paths = {part: folder / f"{part}.nii" for part in (TRAINING, HELD_OUT)}
    for path in paths.values():
        path.write_bytes(nifti(values))
    return {part: (path,) for part, path in paths.items()}


def test_a_short_training_writes_all_that_a_model_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inference.plugins.mri_brain_lesion import evaluate, train

    monkeypatch.setattr(evaluate, "VOLUMES", 4)
    monkeypatch.setattr(train, "real_images", lambda _: {})
    monkeypatch.setattr(train, "STRANGE_HEADS", 1)
    amounts = Amounts(1, 1, slabs=16, watched_scans=1, watched_slabs=16)
    small = replace(train.course_of(heads_in(tmp_path)), amounts=amounts)
    train_scans(small, TrainingOptions(tmp_path / "out", seed=3, samples=1, epochs=1))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.keras", "thresholds.npz", "golden.npz", "card.json", "logs"}
    fresh = MriBrainLesion()
    fresh.load(tmp_path / "out")
    assert fresh.self_test().passed
