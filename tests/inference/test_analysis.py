"""Local files become the study that a plugin is told of, by the road of a customer's upload."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from inference.analysis import analyse, read_study
from inference.domain.errors import UnreadableFile, UnsupportedInput
from inference.plugins.base import Refused
from tests.inference.plugins.stub import StubPlugin

pytestmark = pytest.mark.database_free


def png(folder: Path, name: str, level: int) -> Path:
    Image.fromarray(np.full((8, 9), level, np.uint8)).save(folder / name)
    return folder / name


def ct_slice(folder: Path, name: str, study: str, series: str, z: float) -> Path:
    """One slice of a CT at height `z` mm, all pixels at 40 HU."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = study, series, "CT"
    data.BodyPartExamined = "CHEST"
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, z], [1, 0, 0, 0, 1, 0]
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = 4, 5, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleSlope, data.RescaleIntercept = 1, -1000
    data.PixelData = np.full((4, 5), 1040, np.int16).tobytes()
    data.save_as(folder / name, enforce_file_format=True)
    return folder / name


def test_images_make_one_study_in_the_order_given(tmp_path: Path) -> None:
    paths = [png(tmp_path, "b.png", 10), png(tmp_path, "a.png", 20)]
    with read_study(paths) as study:
        assert study.header.kind == "image"
        assert [header.id for header in study.header.instances] == [str(path) for path in paths]
        assert [float(study.pixels(header).mean()) for header in study.header.instances] == [10, 20]
        assert (study.header.instances[0].rows, study.header.instances[0].columns) == (8, 9)


def test_slices_of_a_ct_stand_in_order_of_their_place_with_values_in_hu(tmp_path: Path) -> None:
    uid, series = generate_uid(), generate_uid()
    paths = [ct_slice(tmp_path, f"{z}.dcm", uid, series, z) for z in (30.0, 10.0, 20.0)]
    with read_study(paths) as study:
        assert (study.header.kind, study.header.modality, study.header.body_part) == ("dicom", "CT", "CHEST")
        assert [Path(header.id).name for header in study.header.instances] == ["10.0.dcm", "20.0.dcm", "30.0.dcm"]
        assert study.pixels(study.header.instances[0]).mean() == 40


def test_series_of_one_study_stay_apart(tmp_path: Path) -> None:
    uid = generate_uid()
    paths = [ct_slice(tmp_path, f"{number}.dcm", uid, generate_uid(), 0.0) for number in range(2)]
    with read_study(paths) as study:
        assert [len(series.instances) for series in study.header.series] == [1, 1]


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(buffer, format="PNG")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("one.png", buffer.getvalue())
    with read_study([tmp_path / "all.zip"]) as study:
        assert [Path(header.id).name for header in study.header.instances] == ["one.png"]


def test_a_file_that_can_not_be_read_is_named_and_the_others_stay(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dcm"
    bad.write_text("not a film")
    with read_study([bad, png(tmp_path, "good.png", 1)]) as study:
        assert [file.name for file in study.rejected] == [str(bad)]
        assert len(study.header.instances) == 1


def test_where_no_file_is_good_the_first_ones_reason_is_raised(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(b"")
    with pytest.raises(UnreadableFile) as raised, read_study([bad]):
        raise AssertionError("the block must not run")
    assert raised.value.code == "empty_file"


def test_an_outcome_has_report_quantity_and_model(tmp_path: Path) -> None:
    with read_study([png(tmp_path, "grey.png", 51)]) as study:
        outcome = analyse(StubPlugin(), study)
    assert outcome.report.measures["mean"] == pytest.approx(0.2)
    assert outcome.quantity == 1
    assert outcome.model.plugin == "stub"


def test_a_refusal_by_the_headers_becomes_an_error_with_its_words(tmp_path: Path) -> None:
    class Strict(StubPlugin):
        def validate(self, inputs: object) -> Refused:
            return Refused("unsupported_input", "%(count)s is too many.", {"count": 1})

    with read_study([png(tmp_path, "a.png", 1)]) as study, pytest.raises(UnsupportedInput) as raised:
        analyse(Strict(), study)
    assert raised.value.detail == "1 is too many."
