"""The shipped weights on the sample study, on a scan without nodules, and on what is no chest CT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.analysis import analyse, read_study
from inference.domain.report import Finding, Report
from inference.plugins.base import TrainingOptions
from inference.plugins.contract import Sample, loaded, run
from inference.plugins.ct_lung_nodule import plugin
from inference.plugins.ct_lung_nodule.generate import DrawnScan, sample_study
from inference.plugins.ct_lung_nodule.plugin import CtLungNodule
from inference.plugins.segmentation.train import Amounts
from tests.inference.plugins.ct_lung_nodule.scans import NODULES, SEED, inputs_of, normal_scan, sample_scan

pytestmark = pytest.mark.database_free


@pytest.fixture(scope="module")
def report() -> Report:
    return run(loaded(plugin), [Sample("sample", *inputs_of(sample_scan().hu))])[0]


def nodule_at(scan: DrawnScan, found: Finding) -> int:
    """The label under the centre of a finding, 0 for none; its neighbours count."""
    x, y, z = (round(value) for value in found.location.centroid_px)
    return int(scan.truth[max(0, z - 1) : z + 2, y - 2 : y + 3, x - 2 : x + 3].max())


def test_the_sample_study_has_findings_on_its_nodules(report: Report) -> None:
    scan = sample_scan()
    on = [nodule_at(scan, found) for found in report.findings]
    large = {nodule.number for nodule in scan.nodules if nodule.diameter >= 6}
    assert large <= set(on)
    assert on.count(0) <= 1


def test_sizes_sites_and_outlines_are_told(report: Report) -> None:
    scan = sample_scan()
    by_number = {nodule.number: nodule for nodule in scan.nodules}
    for found in report.findings:
        number = nodule_at(scan, found)
        if number and by_number[number].diameter >= 6:
            assert found.size.mean_diameter_mm == pytest.approx(by_number[number].diameter, rel=0.3)
            assert found.size.volume_mm3 is not None
            assert found.location.site is not None
            assert found.location.centroid_mm is not None
            assert len(found.contours) == len(found.location.instances) > 1


def test_a_scan_without_nodules_has_hardly_a_finding() -> None:
    (report,) = run(loaded(plugin), [Sample("normal", *inputs_of(normal_scan().hu))])
    assert len(report.findings) <= 1


def test_the_real_dicom_series_gives_what_its_volume_gives(tmp_path: Path, report: Report) -> None:
    sample_study(tmp_path, SEED, NODULES)
    with read_study(sorted(tmp_path.iterdir())) as study:
        outcome = analyse(plugin, study)
    assert [found.type.slug for found in outcome.report.findings] == [found.type.slug for found in report.findings]
    for one, other in zip(outcome.report.findings, report.findings, strict=True):
        assert one.location.centroid_px == pytest.approx(other.location.centroid_px, abs=0.5)


def test_thick_slices_are_read_with_a_note() -> None:
    thick = sample_scan().hu[::2]
    given, pixels = inputs_of(thick)
    assert given.study is not None
    series = given.study.series[0]
    apart = tuple(replace(one, position=(0.0, 0.0, 4.0 * n)) for n, one in enumerate(series.instances))
    study = replace(given.study, series=(replace(series, instances=apart),))
    (report,) = run(loaded(plugin), [Sample("thick", replace(given, study=study), pixels)])
    assert any("4.0 mm apart" in note for note in report.notes)
    assert report.findings


def test_a_short_training_writes_all_that_a_model_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inference.plugins.ct_lung_nodule import train
    from inference.plugins.segmentation.train import train_scans

    monkeypatch.setattr(train, "real_images", lambda _: {})
    small = replace(train.course_of((64, 200, 256)), amounts=Amounts(2, 1, slabs=16, watched_scans=1, watched_slabs=16))
    train_scans(small, TrainingOptions(tmp_path / "out", seed=3, samples=2, epochs=1))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.keras", "thresholds.npz", "golden.npz", "card.json", "logs"}
    fresh = CtLungNodule()
    fresh.load(tmp_path / "out")
    assert fresh.self_test().passed
    assert np.isfinite(fresh._thresholds.scoring.threshold)
