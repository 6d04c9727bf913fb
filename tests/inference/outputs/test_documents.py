"""Key images and the report as DICOM objects."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import EncapsulatedPDFStorage, SecondaryCaptureImageStorage

from inference.outputs import capture, encapsulated
from inference.outputs.errors import NeedsOutlines
from tests.inference.outputs import examples
from tests.inference.outputs.test_seg import objects
from tests.inference.outputs.tools import dciodvfy_errors, dcmtk

pytestmark = pytest.mark.database_free


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_every_object_is_valid_by_another_programs_rules(name: str, tmp_path: Path) -> None:
    plain = examples.material(name, 1)
    for material in (plain, replace(plain, reading=examples.signed(plain.reading))):
        for content in (*objects(capture.build(material)), encapsulated.build(material)):
            assert dciodvfy_errors(content, tmp_path) == []
            assert dcmtk("dcmdump", content, tmp_path)


@pytest.mark.parametrize("missing", ["BodyPartExamined", "PatientID", "StudyDate", "PatientOrientation"])
def test_an_original_that_is_silent_gives_valid_objects_too(missing: str, tmp_path: Path) -> None:
    material = examples.material("drawn films", 1)
    source = examples.source_of([examples.drawn_film(**{missing: None})])
    for content in (
        *objects(capture.build(replace(material, source=source))),
        encapsulated.build(replace(material, source=source)),
    ):
        assert dciodvfy_errors(content, tmp_path) == []


def test_a_key_image_has_its_pixels_and_says_that_words_are_burned_in() -> None:
    material = examples.material("CT", 1)
    first, second = (dcmread(io.BytesIO(one)) for one in objects(capture.build(material)))
    assert first.SOPClassUID == SecondaryCaptureImageStorage
    assert (first.BurnedInAnnotation, first.PhotometricInterpretation, first.Modality) == ("YES", "RGB", "OT")
    assert (first.pixel_array == np.full((40, 60, 3), 90)).all()
    assert first.SeriesDescription.endswith("not for diagnostic use")
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    shown = first.SourceImageSequence[0].ReferencedSOPInstanceUID
    assert shown == material.source.images[material.pictures[0].instance_id].SOPInstanceUID
    assert first.StudyInstanceUID == material.source.first.StudyInstanceUID


def test_a_lossy_original_stays_lossy() -> None:
    material = examples.material("drawn films", 1)
    lossy = examples.drawn_film(
        LossyImageCompression="01", LossyImageCompressionRatio=12, LossyImageCompressionMethod="ISO_10918_1"
    )
    made = objects(capture.build(replace(material, source=examples.source_of([lossy]))))
    assert dcmread(io.BytesIO(made[0])).LossyImageCompression == "01"


def test_without_a_key_image_there_is_nothing_to_send() -> None:
    with pytest.raises(NeedsOutlines):
        capture.build(replace(examples.material("CT", 1), pictures=()))


@pytest.mark.parametrize("document", [b"%PDF-1.7 even", b"%PDF-1.7 odd!"])
def test_the_document_comes_out_as_it_went_in(document: bytes) -> None:
    made = dcmread(io.BytesIO(encapsulated.build(replace(examples.material("CT", 1), document=document))))
    assert (made.SOPClassUID, made.Modality) == (EncapsulatedPDFStorage, "DOC")
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == document
    assert len(made.SourceInstanceSequence) == 12


def test_the_same_result_gives_the_same_bytes() -> None:
    for builder in (capture, encapsulated):
        assert builder.build(examples.material("CT", 1)) == builder.build(examples.material("CT", 1))
