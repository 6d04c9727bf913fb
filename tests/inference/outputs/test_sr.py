"""The structured report: what other programs read in it, and what the template asks."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from inference.outputs import sr
from inference.outputs.material import Material
from tests.inference.outputs import examples, template
from tests.inference.outputs.tools import dciodvfy_errors, dcmtk

pytestmark = pytest.mark.database_free
CLASSES = {
    "real film": ComprehensiveSRStorage, "drawn films": ComprehensiveSRStorage,
    "CT": Comprehensive3DSRStorage, "MR": Comprehensive3DSRStorage,
}  # fmt: skip


def readings(name: str) -> dict[str, Material]:
    """One example in every state that a result can be in."""
    plain = examples.material(name, 1, 2)
    return {
        "preliminary": plain,
        "signed": replace(plain, reading=examples.signed(plain.reading)),
        "appended": replace(plain, reading=examples.signed(plain.reading, addendum="Compared with 2025.")),
        "nothing found": replace(plain, reading=examples.read()),
    }


def parsed(content: bytes) -> Dataset:
    return dcmread(io.BytesIO(content))


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_every_report_is_valid_by_another_programs_rules_and_by_the_template(name: str, tmp_path: Path) -> None:
    for state, material in readings(name).items():
        content = sr.build(material)
        assert dciodvfy_errors(content, tmp_path) == [], state
        faults = template.faults(parsed(content))
        assert faults == [], state
        assert parsed(content).SOPClassUID == CLASSES[name]


def without_template(document: Dataset) -> None:
    del document.ContentTemplateSequence


def without_tracking(name: tuple[str, str]) -> Callable[[Dataset], None]:
    def spoil(document: Dataset) -> None:
        group = template.groups_of(document)[0]
        group.ContentSequence.remove(template.named(group, name)[0])

    return spoil


def without_meaning(document: Dataset) -> None:
    del template.named(template.groups_of(document)[0], template.FINDING)[0].ConceptCodeSequence[0].CodeMeaning


def without_unit(document: Dataset) -> None:
    for item in template.groups_of(document)[0].ContentSequence:
        if item.ValueType == "NUM":
            del item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence


def of_another_template(document: Dataset) -> None:
    template.groups_of(document)[0].ContentTemplateSequence[0].TemplateIdentifier = "1501"


SPOILT = {
    "the root is not of template 1500": without_template,
    "no tracking identifier": without_tracking(template.TRACKING_IDENTIFIER),
    "no tracking UID": without_tracking(template.TRACKING_UID),
    "no finding": without_tracking(template.FINDING),
    "a code that is not whole": without_meaning,
    "a measurement without a unit": without_unit,
    "a group of the wrong template": of_another_template,
}


@pytest.mark.parametrize("fault", list(SPOILT))
def test_control_the_template_check_finds_each_fault(fault: str) -> None:
    document = parsed(sr.build(examples.material("CT", 1)))
    assert template.faults(document) == []
    SPOILT[fault](document)
    assert fault in template.faults(document)


def test_control_the_validator_finds_a_broken_report(tmp_path: Path) -> None:
    document = parsed(sr.build(examples.material("CT", 1)))
    document.CompletionFlag = "MAYBE"
    file = io.BytesIO()
    document.save_as(file)
    assert dciodvfy_errors(file.getvalue(), tmp_path) != []


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_the_values_come_back_as_the_result_has_them(name: str) -> None:
    material = examples.material(name, 1, 2)
    content = srread(io.BytesIO(sr.build(material))).content
    for one in material.reading.standing:
        groups = content.get_planar_roi_measurement_groups(tracking_uid=one.finding.tracking_uid)
        assert len(groups) == 1
        size, group = one.finding.size, groups[0]
        wanted = {
            codes.SCT.LongAxis: size.long_axis_mm, codes.SCT.ShortAxis: size.short_axis_mm,
            codes.SCT.Diameter: size.mean_diameter_mm, codes.SCT.Area: size.area_mm2,
            codes.DCM.CertaintyOfFinding: 87.654,
        }  # fmt: skip
        for concept, value in wanted.items():
            assert group.get_measurements(name=concept)[0].value == pytest.approx(value), concept
        assert [m.value for m in group.get_measurements(name=codes.SCT.Volume)] == (
            [size.volume_mm3] if size.volume_mm3 else []
        )
        assert (group.finding_type.value, group.finding_type.meaning) == ("27925004", "Nodule")
        site = group.finding_sites[0]
        assert (site.value.value, site.laterality.meaning) == ("3341006", "Right")


def test_sizes_are_told_in_pixels_only_where_nothing_is_known_in_mm() -> None:
    material = examples.material("drawn films", 1)
    one = material.reading.findings[0]
    size = replace(one.finding.size, **dict.fromkeys(("long_axis_mm", "short_axis_mm", "mean_diameter_mm", "area_mm2")))
    reading = examples.read(replace(one.finding, size=size))
    group = srread(
        io.BytesIO(sr.build(replace(material, reading=reading)))
    ).content.get_planar_roi_measurement_groups()[0]
    found = {(m.name.meaning, m.value, m.unit.value) for m in group.get_measurements()}
    assert found == {
        ("Long axis", 18.0, "{pixels}"), ("Short axis", 18.0, "{pixels}"), ("Certainty of Finding", 87.654, "%")
    }  # fmt: skip


@pytest.mark.parametrize("name", ["real film", "drawn films"])
def test_without_a_place_in_the_patient_the_outline_counts_from_the_corner_of_the_image(name: str) -> None:
    material = examples.material(name, 1)
    contour = material.reading.standing[0].finding.contours[0]
    region = srread(io.BytesIO(sr.build(material))).content.get_planar_roi_measurement_groups()[0].roi
    # ours counts from the centre of the first pixel, DICOM from its corner
    assert np.allclose(region.value[:-1], np.array(contour.points) + 0.5, atol=1e-3)
    assert np.allclose(region.value[0], region.value[-1])
    image = material.source.images[contour.instance_id]
    reference = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == image.SOPInstanceUID


@pytest.mark.parametrize("name", ["CT", "MR"])
def test_with_a_place_in_the_patient_the_outline_lies_on_the_slice_of_the_axes(name: str) -> None:
    material = examples.material(name, 1)
    finding = material.reading.standing[0].finding
    best = next(one.instance_id for one in finding.location.instances if one.best)
    contour = next(one for one in finding.contours if one.instance_id == best)
    image = material.source.images[best]
    row, column = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
    wanted = [np.array(image.ImagePositionPatient, float) + x * 0.7 * row + y * 0.9 * column for x, y in contour.points]
    region = srread(io.BytesIO(sr.build(material))).content.get_planar_roi_measurement_groups()[0].roi
    assert region.frame_of_reference_uid == image.FrameOfReferenceUID
    assert np.allclose(region.value[:-1], wanted, atol=1e-3)


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_an_archive_files_it_where_the_original_lies(name: str) -> None:
    files = [dcmread(io.BytesIO(one), stop_before_pixels=True) for one in examples.EXAMPLES[name]()]
    made = parsed(sr.build(examples.material(name, 1, 2)))
    for attribute in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate"):
        assert made.get(attribute) == files[0].get(attribute), attribute
    assert made.SeriesInstanceUID not in {one.SeriesInstanceUID for one in files}
    known = {one.SOPInstanceUID: one.SOPClassUID for one in files}
    evidence = [
        (item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID)
        for study in made.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]
    assert evidence
    assert all(known[uid] == kind for uid, kind in evidence)


def test_until_it_is_signed_it_says_that_it_is_not_for_diagnosis(tmp_path: Path) -> None:
    made = parsed(sr.build(examples.material("CT", 1)))
    assert (made.PreliminaryFlag, made.VerificationFlag, made.CompletionFlag) == (
        "PRELIMINARY", "UNVERIFIED", "COMPLETE"
    )  # fmt: skip
    assert made.SeriesDescription.startswith("AI ")
    assert made.SeriesDescription.endswith("not for diagnostic use")
    assert len(made.SeriesDescription) <= 64
    page = dcmtk("dsr2html", sr.build(examples.material("CT", 1)), tmp_path)
    assert "PRELIMINARY" in page
    assert "UNVERIFIED" in page
    assert "not for diagnostic use" in page


def test_after_the_signature_it_names_who_stands_for_it_and_what_it_replaces(tmp_path: Path) -> None:
    plain = examples.material("CT", 1)
    before = parsed(sr.build(plain))
    after = replace(plain, reading=examples.signed(plain.reading), predecessor=before)
    made = parsed(sr.build(after))
    assert (made.PreliminaryFlag, made.VerificationFlag) == ("FINAL", "VERIFIED")
    observer = made.VerifyingObserverSequence[0]
    assert (str(observer.VerifyingObserverName), str(observer.VerificationDateTime)) == ("Dr. 李 娜^", "20260302093000")
    replaced = made.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert replaced.ReferencedSOPInstanceUID == before.SOPInstanceUID != made.SOPInstanceUID
    assert "not for diagnostic use" not in made.SeriesDescription + str(made)
    assert dciodvfy_errors(sr.build(after), tmp_path) == []
    tracked = [
        template.named(group, template.TRACKING_UID)[0].UID
        for one in (before, made)
        for group in template.groups_of(one)
    ]
    assert tracked == ["2.25.1001"] * 2


def test_a_rejected_finding_is_left_out_and_a_persons_own_has_no_certainty() -> None:
    material = examples.material("CT", 1, 2)
    first, second = material.reading.findings
    mixed = replace(
        examples.signed(material.reading),
        findings=(replace(first, status="rejected", reason="vessel"), replace(second, status="added", machine=None)),
    )
    groups = srread(io.BytesIO(sr.build(replace(material, reading=mixed)))).content.get_planar_roi_measurement_groups()
    assert [group.tracking_uid for group in groups] == ["2.25.1002"]
    assert groups[0].get_measurements(name=codes.DCM.CertaintyOfFinding) == []
    assert not template.named(groups[0][0], template.ALGORITHM)


def test_a_finding_without_outline_is_shown_by_its_box() -> None:
    material = examples.material("drawn films", 1)
    bare = examples.read(replace(material.reading.findings[0].finding, contours=()))
    region = (
        srread(io.BytesIO(sr.build(replace(material, reading=bare)))).content.get_planar_roi_measurement_groups()[0].roi
    )
    assert region.value.min(axis=0).tolist() == [16.0, 21.0]
    assert region.value.max(axis=0).tolist() == [35.0, 40.0]


def test_the_same_result_gives_the_same_bytes_and_another_revision_another_object() -> None:
    material = examples.material("CT", 1)
    assert sr.build(material) == sr.build(material)
    other = replace(material, reading=examples.signed(material.reading))
    assert parsed(sr.build(material)).SOPInstanceUID != parsed(sr.build(other)).SOPInstanceUID
