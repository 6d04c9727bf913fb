"""The shipped weights on the sample study in all planes, on a head without lesions, and with thick slices."""

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
from inference.plugins.mri_brain_lesion.heads import sample_head
from inference.plugins.mri_brain_lesion.plugin import MriBrainLesion
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
    large = {lesion.number for lesion in scan.lesions if lesion.diameter >= 10}
    assert large
    assert large <= set(on)
    assert on.count(0) == 0


@pytest.mark.parametrize("plane", [1, 2])
def test_so_it_has_in_the_other_planes(plane: int) -> None:
    scan = sample_scan(plane)
    (found,) = run(loaded(plugin), [Sample("sample", *inputs_of(scan.values, plane))])
    on = [lesion_at(scan, one) for one in found.findings]
    assert {lesion.number for lesion in scan.lesions if lesion.diameter >= 12} <= set(on)
    assert on.count(0) <= 1


def test_types_sizes_sites_and_outlines_are_told(report: Report) -> None:
    scan = sample_scan()
    by_number = {lesion.number: lesion for lesion in scan.lesions}
    for found in report.findings:
        lesion = by_number[lesion_at(scan, found)]
        assert found.size.mean_diameter_mm == pytest.approx(lesion.diameter, rel=0.35)
        assert found.size.volume_mm3 is not None
        assert found.location.site is not None
        assert found.location.centroid_mm is not None
        assert len(found.contours) == len(found.location.instances) > 1
        if lesion.diameter >= 8:
            assert found.type.slug == f"lesion.t1_{lesion.kind}"


def test_a_head_without_lesions_has_no_finding() -> None:
    (report,) = run(loaded(plugin), [Sample("normal", *inputs_of(normal_scan().values))])
    assert report.status == "no_findings"


def test_the_real_dicom_series_gives_what_its_volume_gives(tmp_path: Path, report: Report) -> None:
    sample_study(tmp_path, SEED, LESIONS)
    with read_study(sorted(tmp_path.iterdir())) as study:
        outcome = analyse(plugin, study)
    assert [found.type.slug for found in outcome.report.findings] == [found.type.slug for found in report.findings]
    for one, other in zip(outcome.report.findings, report.findings, strict=True):
        assert one.location.centroid_px == pytest.approx(other.location.centroid_px, abs=0.5)


def test_thick_slices_are_read_with_a_note() -> None:
    given, pixels = inputs_of(sample_scan().values[::3])
    assert given.study is not None
    series = given.study.series[0]
    apart = tuple(replace(one, position=(0.0, 0.0, 6.0 * n)) for n, one in enumerate(series.instances))
    study = replace(given.study, series=(replace(series, instances=apart),))
    (report,) = run(loaded(plugin), [Sample("thick", replace(given, study=study), pixels)])
    assert any("6.0 mm apart" in note for note in report.notes)
    assert report.findings


def test_a_short_training_writes_all_that_a_model_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inference.plugins.mri_brain_lesion import train

    names = ("WATCHED_SCANS", "VALIDATION_SCANS", "REFERENCE_SCANS", "FAMILIAR_SCANS", "TEST_SCANS", "OTHER_SCANS")
    for name, value in {**dict.fromkeys(names, 2), "STRANGE_HEADS": 1, "PER_SCAN": 16, "WATCHED_SLABS": 16}.items():
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(train, "real_images", lambda _: {})
    for part in ("training", "held-out"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "head.nii").write_bytes(nifti(np.rint(sample_head().values * 1000)))
    MriBrainLesion().train(TrainingOptions(tmp_path / "out", seed=3, samples=2, epochs=1, backgrounds=tmp_path))
    names_found = {path.name for path in (tmp_path / "out").iterdir()}
    assert names_found == {"model.keras", "thresholds.npz", "golden.npz", "card.json", "logs"}
    fresh = MriBrainLesion()
    fresh.load(tmp_path / "out")
    assert fresh.self_test().passed
    assert np.isfinite(fresh._thresholds.scoring.threshold)
