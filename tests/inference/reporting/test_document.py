"""What a report says, part by part."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from inference.domain.advice import Change
from inference.domain.reading import Reading
from inference.domain.report import Site
from inference.reporting.compared import change_row
from inference.reporting.document import ReportDocument, document_of
from inference.reporting.facts import Facts
from inference.reporting.figures import site
from tests.inference.reporting.samples import ADVICE, COMPARISON, facts, finding, read, reviewed, stack

pytestmark = pytest.mark.database_free


def told(of: Facts, language: str = "en") -> ReportDocument:
    return document_of(of, (), language, "https://assay.example/card")


def test_a_finding_is_told_with_place_size_score_and_slice() -> None:
    (row,) = told(facts(Reading((read(1),)))).findings
    assert (row.number, row.type, row.site, row.axes) == (1, "Nodule", "Right lung, upper zone", "14.0 × 11.2 mm")
    assert (row.extents, row.score, row.image) == (("123.4 mm²", "1048 mm³"), "0.93", "slice 3 of 5")
    assert (row.position, row.status, row.remarks) == ("-105.8, 12.0, 287.5 mm", "not reviewed", ())


def test_an_unknown_spacing_is_told_and_sizes_are_in_pixels() -> None:
    document = told(facts(Reading((read(1, finding(has_spacing=False)),)), stack(pixel_spacing=None)))
    (row,) = document.findings
    assert (row.axes, row.extents, row.position) == ("20 × 16 px", (), "20.0, 18.0 px")
    assert row.remarks == ("no pixel spacing in the header",)
    assert document.series[0].source == "not known: sizes are in pixels"
    assert document.findings_note.startswith("Scale: not known: sizes are in pixels.")


def test_of_a_report_that_is_not_medical_no_physician_is_missed() -> None:
    medical = facts(Reading(()))
    assert told(replace(medical, model=replace(medical.model, medical=False))).state == ""
    assert told(medical).state != ""


def test_films_are_not_called_slices() -> None:
    (row,) = told(facts(Reading((read(1),)), stack(position=None))).findings
    assert row.image == "image 3 of 5"


def test_a_side_is_told_once() -> None:
    assert site(Site("1", "SCT", "Kidney", "L")) == "Kidney, left side"
    assert site(Site("1", "SCT", "Left lung, mid zone", "L")) == "Left lung, mid zone"
    assert site(Site("1", "SCT", "Kidney")) == "Kidney"
    assert site(None) == "site not known"


def test_the_technique_is_read_from_the_header() -> None:
    (row,) = told(facts(Reading(()))).series
    assert (row.name, row.images, row.matrix) == ("CT Lung B60f", 5, "64 × 64")
    assert (row.spacing, row.distance, row.thickness) == ("0.70 × 0.70 mm", "1.25 mm", "1.50 mm")
    assert row.source == "Pixel Spacing (0028,0030)"


def test_sizes_on_the_detector_are_told_as_such() -> None:
    (row,) = told(facts(Reading(()), stack(pixel_spacing=None, imager_pixel_spacing=(0.2, 0.2)))).series
    assert row.source == "Imager Pixel Spacing (0018,1164), at the detector"


def test_the_series_with_the_findings_stands_first() -> None:
    longer = stack(9).series[0]
    study = replace(stack(), series=(replace(longer, id="s2", description="Soft", instances=longer.instances[5:]),))
    both = replace(study, series=(*study.series, replace(stack().series[0], instances=stack().instances[:3])))
    assert [row.is_marked for row in told(facts(Reading((read(1),)), both)).series] == [True, False]


def test_what_the_physician_changed_is_marked_with_its_reason() -> None:
    document = told(facts(reviewed()))
    assert [(row.number, row.status) for row in document.findings] == [
        (1, "accepted"), (2, "edited"), (4, "added by the physician"),
    ]  # fmt: skip
    assert document.edits == (
        "No. 2 edited: 14.0 × 11.2 mm → 9.0 × 7.0 mm.",
        "No. 3 rejected (Nodule; Right lung, upper zone; 14.0 × 11.2 mm). Reason: 血管断面",
        "No. 4 added by the physician.",
    )


def test_a_finding_that_a_person_added_has_no_score() -> None:
    assert told(facts(reviewed())).findings[-1].score == ""


def test_who_stands_for_the_report_is_told() -> None:
    signed = told(facts(reviewed()))
    assert signed.is_final
    assert signed.state.startswith("Signed by 王敏, March 14, 2026")
    assert signed.revision == "Revision 2"
    untouched, begun = told(facts(Reading((read(1),)))), told(facts(Reading((read(1, status="accepted"),))))
    assert (untouched.state, untouched.is_final) == ("Preliminary: not reviewed by a physician.", False)
    assert (begun.state, begun.is_final) == ("Preliminary: reviewed in part, not signed.", False)


def test_the_summary_counts_what_stands_and_names_the_largest() -> None:
    assert told(facts(reviewed())).summary == "3 findings; the largest is no. 1, 14.0 × 11.2 mm."
    assert told(facts(Reading((read(1),)))).summary == "1 finding: Nodule, 14.0 × 11.2 mm."
    assert told(facts(Reading(()))).summary.startswith("The analysis found nothing.")
    rejected = Reading((read(1, status="rejected", reason="artefact"),))
    assert told(facts(rejected)).summary.startswith("No finding stands")


def test_advice_is_told_with_its_reasons_and_its_table() -> None:
    (part,) = told(facts(reviewed(), advice=(ADVICE,))).advice
    assert (part.text, part.because, part.findings) == ("CT in 3 months.", ("no. 2 grew",), "2")
    assert (part.guideline, part.source) == ("Fleischner Society, 2017", "doi:10.1148/radiol.2017161659")


def test_a_comparison_tells_growth_and_what_is_new_or_gone() -> None:
    part = told(facts(reviewed(), comparison=COMPARISON)).comparison
    assert part is not None
    assert part.prior == "Sept. 15, 2025, 180 days before, job_before"
    grown, new, gone = part.changes
    assert (grown.value_before, grown.value_now, grown.change, grown.doubling) == (
        "655 mm³", "1048 mm³", "+60 %", "265 days",
    )  # fmt: skip
    assert (new.now, new.before, new.change) == ("4", "", "not there before")
    assert (gone.now, gone.before, gone.value_before, gone.change) == ("", "2", "5.2 mm", "no longer there")
    assert part.notes == ("Both studies were measured alike.",)


def test_a_lesion_that_shrank_is_told_with_a_minus() -> None:
    assert change_row(Change(1, 1, "area_mm2", 5.0, 10.0, -50.0)).change == "−50 %"


def test_a_difference_within_the_error_of_measurement_is_told_as_such() -> None:
    told_of = change_row(Change(1, 1, "volume_mm3", 105.0, 100.0, 5.0)).change
    assert told_of == "+5 %, unchanged within the error of measurement"


def test_predictions_are_told_with_the_next_ones() -> None:
    labels = [
        {"code": str(n), "name": name, "probability": p} for n, name, p in ((3, "three", 0.9), (8, "eight", 0.06))
    ]
    document = told(facts(Reading(()), predictions=({"item": "i1", "labels": labels},)))
    assert [(row.number, row.best, row.probability, row.others) for row in document.predictions] == [
        (1, "3 three", "0.900", "8 eight 0.060")
    ]
    assert document.summary == ""


def test_missing_pictures_are_explained() -> None:
    with_one = facts(Reading((read(1),)))
    assert told(with_one).pictures_note == "Some images could not be read and are left out."
    assert told(replace(with_one, study=None, shots=())).pictures_note == "The images of this study were deleted."
    assert told(replace(with_one, study=None, shots=(), sought=0, has_images=False)).pictures_note == ""
    assert told(replace(with_one, shots=(), sought=14)).pictures_note == "The first 0 of 14 images"


def test_the_model_is_named_with_its_weights_and_limits() -> None:
    document = told(facts(Reading(())))
    assert [row.value for row in document.model] == ["ct-lung-nodule 1.0.0", "Chest CT", "ab" * 32]
    assert (document.limits, document.card_url) == (("Small nodules are missed.",), "https://assay.example/card")


def test_chinese_texts_of_the_plugin_and_times_by_the_habit_of_the_language() -> None:
    document = told(facts(reviewed()), "zh-hans")
    assert (document.title, document.disclaimer) == ("胸部 CT", "本产品不是医疗器械。")
    assert "2026年3月14日 08:05 UTC" in [row.value for row in document.study]


def test_no_part_tells_of_a_patient() -> None:
    document = told(facts(reviewed(), advice=(ADVICE,), comparison=COMPARISON))
    assert not {field.name for field in fields(ReportDocument)} & {"patient", "patient_name", "patient_id"}
    assert "patient" not in " ".join(row.label.lower() for row in document.study)
