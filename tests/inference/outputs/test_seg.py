"""The segmentation: valid for others, the same lesions as the outlines, in the original study."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import Segmentation, segread
from numpy.typing import NDArray
from pydicom import dcmread
from skimage.draw import polygon2mask

from inference.domain.reading import Reading
from inference.domain.report import Contour, Finding
from inference.outputs import seg, sr
from inference.outputs.errors import NeedsOutlines, NotBuilt, OutputTooLarge
from inference.outputs.outlines import filled
from tests.inference.outputs import examples, template
from tests.inference.outputs.tools import dciodvfy_errors, dcmtk

pytestmark = pytest.mark.database_free
LEAST_DICE = 0.95


def objects(content: bytes) -> list[bytes]:
    """The DICOM files of an output."""
    if not content.startswith(b"PK"):
        return [content]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def drawn(contour: Contour, rows: int, columns: int) -> NDArray[np.bool_]:
    """The outline filled by another library."""
    return np.asarray(polygon2mask((rows, columns), np.array(contour.points)[:, ::-1]))


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))


def masks_of(made: Segmentation, uid: str) -> dict[str, NDArray[np.bool_]]:
    """The mask of a finding on each original image that it lies on."""
    number = made.get_segment_numbers(tracking_uid=uid)[0]
    images = [str(one[2]) for one in made.get_source_image_uids()]
    pixels = made.get_pixels_by_source_instance(images, segment_numbers=[number], assert_missing_frames_are_empty=True)[
        ..., 0
    ]
    return {name: plane.astype(bool) for name, plane in zip(images, pixels, strict=True) if plane.any()}


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_every_segmentation_is_valid_by_another_programs_rules(name: str, tmp_path: Path) -> None:
    plain = examples.material(name, 1, 2)
    for material in (plain, replace(plain, reading=examples.signed(plain.reading))):
        for content in objects(seg.build(material)):
            assert dciodvfy_errors(content, tmp_path) == []
            assert "SegmentSequence" in dcmtk("dcmdump", content, tmp_path)


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_the_masks_are_the_outlines_on_the_right_images(name: str) -> None:
    material = examples.material(name, 1, 2)
    made = [segread(io.BytesIO(one)) for one in objects(seg.build(material))]
    for one in material.reading.standing:
        uid = one.finding.tracking_uid
        found = {
            name: mask
            for part in made
            if part.get_segment_numbers(tracking_uid=uid)
            for name, mask in masks_of(part, uid).items()
        }
        assert set(found) == {str(material.source.images[c.instance_id].SOPInstanceUID) for c in one.finding.contours}
        for contour in one.finding.contours:
            image = material.source.images[contour.instance_id]
            wanted = drawn(contour, image.Rows, image.Columns)
            assert dice(found[str(image.SOPInstanceUID)], wanted) > LEAST_DICE


def test_control_a_mask_beside_the_outline_would_be_seen() -> None:
    contour = examples.finding(examples.source_of(examples.slices("CT")), 1).contours[0]
    mask = filled(contour, 64, 80)
    assert dice(mask, drawn(contour, 64, 80)) > LEAST_DICE
    assert dice(np.roll(mask, 1, axis=1), drawn(contour, 64, 80)) < LEAST_DICE


def test_each_segment_tells_what_it_is_under_the_uid_of_the_report() -> None:
    material = examples.material("CT", 1, 2)
    made = segread(io.BytesIO(seg.build(material)))
    report = dcmread(io.BytesIO(sr.build(material)))
    tracked = [template.named(group, template.TRACKING_UID)[0].UID for group in template.groups_of(report)]
    assert [str(one.TrackingUID) for one in made.SegmentSequence] == tracked
    first = made.get_segment_description(1)
    assert (first.segmented_property_type.value, first.algorithm_type.value) == ("27925004", "AUTOMATIC")
    assert first.algorithm_identification.version == "1.0.0"
    assert first.SegmentLabel == "Finding 1: Nodule"
    assert made.segmentation_type.value == "BINARY"
    assert made.SeriesDescription.endswith("not for diagnostic use")


@pytest.mark.parametrize("name", ["CT", "MR"])
def test_it_lies_in_the_original_study_and_frame_of_reference(name: str) -> None:
    files = [dcmread(io.BytesIO(one)) for one in examples.EXAMPLES[name]()]
    made = segread(io.BytesIO(seg.build(examples.material(name, 1))))
    for attribute in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "Rows", "Columns"):
        assert made.get(attribute) == files[0].get(attribute), attribute
    known = {str(one.SOPInstanceUID) for one in files}
    assert {str(uid) for _, _, uid in made.get_source_image_uids()} <= known
    # and by place: each frame lies where its original does
    places = {tuple(map(float, one.ImagePositionPatient)) for one in files}
    frames = {
        tuple(map(float, group.PlanePositionSequence[0].ImagePositionPatient))
        for group in made.PerFrameFunctionalGroupsSequence
    }
    assert frames <= places
    assert len(frames) == 7


def test_films_of_different_size_have_an_object_each() -> None:
    made = [segread(io.BytesIO(one)) for one in objects(seg.build(examples.material("drawn films", 1, 2)))]
    assert [(one.Columns, one.InstanceNumber, len(one.SegmentSequence)) for one in made] == [(110, 1, 1), (120, 2, 1)]
    assert len({one.SOPInstanceUID for one in made}) == 2
    assert len({one.SeriesInstanceUID for one in made}) == 1


def test_findings_that_overlap_are_both_whole() -> None:
    source = examples.source_of(examples.slices("CT"))
    reading = examples.read(examples.finding(source, 1, x=38), examples.finding(source, 2, x=42))
    material = examples.material("CT", reading=reading)
    made = [segread(io.BytesIO(one)) for one in objects(seg.build(material))]
    for one, part in zip(reading.standing, made, strict=True):
        found = masks_of(part, one.finding.tracking_uid)
        for contour in one.finding.contours:
            image = source.images[contour.instance_id]
            assert dice(found[str(image.SOPInstanceUID)], drawn(contour, 64, 80)) > LEAST_DICE


def test_what_a_person_outlined_is_not_told_as_the_models() -> None:
    material = examples.material("CT", 1, 2)
    first, second = material.reading.findings
    mixed = replace(
        examples.signed(material.reading),
        findings=(replace(first, status="edited"), replace(second, status="added", machine=None)),
    )
    made = segread(io.BytesIO(seg.build(replace(material, reading=mixed))))
    assert [str(one.SegmentAlgorithmType) for one in made.SegmentSequence] == ["SEMIAUTOMATIC", "MANUAL"]


def outlined(finding: Finding, *points: tuple[float, float]) -> Reading:
    contour = replace(finding.contours[0], points=points)
    return examples.read(replace(finding, contours=(contour,)))


def test_an_outline_thinner_than_a_pixel_still_marks_one() -> None:
    material = examples.material("CT", 1)
    thin = outlined(material.reading.findings[0].finding, (10.2, 10.2), (10.4, 10.2), (10.3, 10.4))
    made = segread(io.BytesIO(seg.build(replace(material, reading=thin))))
    (mask,) = masks_of(made, "2.25.1001").values()
    assert np.argwhere(mask).tolist() == [[10, 10]]


def test_an_outline_beyond_the_border_is_held_inside() -> None:
    mask = filled(Contour("i", 1, ((-5.0, -5.0), (200.0, -5.0), (200.0, 3.4), (-5.0, 3.4))), 64, 80)
    assert mask[:4].all()
    assert not mask[4:].any()


def test_no_outline_no_segmentation() -> None:
    material = examples.material("CT", reading=examples.read())
    with pytest.raises(NeedsOutlines):
        seg.build(material)


def test_multi_frame_originals_are_refused_with_a_sentence() -> None:
    material = examples.material("CT", 1)
    for image in material.source.images.values():
        image.NumberOfFrames = 3
    with pytest.raises(NotBuilt):
        seg.build(material)


def test_a_header_that_claims_a_huge_image_is_refused_before_memory_is_taken() -> None:
    material = examples.material("CT", 1)
    for image in material.source.images.values():
        image.Rows = image.Columns = 60_000
    with pytest.raises(OutputTooLarge):
        seg.build(material)


def test_the_same_result_gives_the_same_bytes() -> None:
    for name in ("CT", "drawn films"):
        assert seg.build(examples.material(name, 1, 2)) == seg.build(examples.material(name, 1, 2))
