"""Headers of originals, the strange ones too: what is not valid is left out, and no object is broken by it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import config

from inference.domain.errors import UnreadableFile
from inference.domain.study import InstanceHeader, SeriesHeader, StudyHeader
from inference.intake.limits import Limits
from inference.intake.pool import Pool
from inference.outputs import capture, encapsulated, fhir, seg, sr
from inference.outputs.attributes import checked
from inference.outputs.errors import OutputTooLarge, UnsuitableHeader
from inference.outputs.source import MOST_IMAGES, original, read_source
from tests.inference.outputs import examples
from tests.inference.outputs.test_seg import objects
from tests.inference.outputs.tools import dciodvfy_errors, fhir_errors

pytestmark = pytest.mark.database_free
GOOD = {
    "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.4", "SOPClassUID": "1.2.5", "SOPInstanceUID": "1.2.6",
}  # fmt: skip

ODD: dict[str, list[str]] = {
    "PatientName": ["a" * 65, "=" * 5, "^^^^", "A^B^C^D^E^F"],
    "PatientID": ["x" * 65],
    "PatientBirthDate": ["20261301", "1970", "1970.01.01", "never"],
    "PatientSex": ["X", "male"],
    "StudyDate": ["00000000", "20260230"],
    "StudyTime": ["25", "101561", "noon"],
    "StudyID": ["1" * 17],
    "AccessionNumber": ["1" * 17],
    "StudyInstanceUID": ["1.2.", "abc", "1" * 65, "7"],
    "Modality": ["ct", "A" * 17],
    "Laterality": ["X"],
    "Rows": ["-1", "1.5", "many"],
    "LossyImageCompression": ["maybe"],
    "PixelSpacing": ["0\\0", "1", "nan\\1", "-1\\1", "inf\\1", "1\\2\\3"],
    "ImagePositionPatient": ["1\\2", "a\\b\\c", "1\\2\\" + "3" * 17],
    "ImageOrientationPatient": ["1\\0\\0", "0\\0\\0\\0\\0\\0", "1\\0\\0\\1\\0\\0", "2\\0\\0\\0\\1\\0"],
    "PatientOrientation": ["X\\Y", "L"],
}


@pytest.mark.parametrize("name", list(ODD))
def test_what_does_not_have_its_form_is_left_out(name: str) -> None:
    for text in ODD[name]:
        assert not checked({**GOOD, name: text}).get(name), text


def test_what_has_its_form_is_taken_over_as_it_is() -> None:
    good = {
        "PatientName": "Wang^XiaoDong=王^小东", "PatientID": "00-7 A", "PatientBirthDate": "19700101",
        "PatientSex": "F", "StudyTime": "101500.250", "PixelSpacing": "0.70\\0.90", "Laterality": "R",
    }  # fmt: skip
    made = checked({**GOOD, **good})
    told = {name: made.get(name) for name in good}
    assert told == {**good, "PixelSpacing": [0.7, 0.9]}


def test_the_first_of_several_texts_is_taken() -> None:
    assert checked({**GOOD, "PatientID": "first\\second"}).PatientID == "first"


@pytest.mark.parametrize("name", list(GOOD))
def test_an_image_that_does_not_say_which_it_is_is_refused_with_the_attribute(name: str) -> None:
    with pytest.raises(UnsuitableHeader) as refused:
        original({"values": {**GOOD, name: "abc"}})
    assert refused.value.params == {"attribute": name}


@pytest.mark.parametrize("reply", [{}, {"values": None}, {"values": [1]}, {"values": {"StudyInstanceUID": 7}}])
def test_a_reply_that_is_none_is_refused(reply: dict[str, Any]) -> None:
    with pytest.raises(UnsuitableHeader):
        original(reply)


@pytest.fixture(scope="module")
def pool() -> Any:
    made = Pool(Limits(children=1))
    yield made
    made.close()


def study_of(count: int) -> StudyHeader:
    headers = tuple(InstanceHeader(f"i{n}", "application/dicom", "0" * 64, 1, 1) for n in range(count))
    return StudyHeader("s", "dicom", "1.2", "CT", "", (SeriesHeader("s", "1.2.4", "CT", "", headers),))


def test_only_the_images_that_a_finding_names_are_read(pool: Pool) -> None:
    files = examples.slices("CT")
    asked: list[str] = []

    def open_blob(instance: InstanceHeader) -> bytes:
        asked.append(instance.id)
        return files[int(instance.id[1:])]

    reading = examples.material("CT", 1).reading
    source = read_source(study_of(12), reading, pool, open_blob)
    assert asked == [f"i{n}" for n in range(3, 10)]
    assert str(source.images["i3"].PatientName) == "王^小东"
    assert read_source(study_of(12), examples.read(), pool, open_blob).first.InstanceNumber == 1


def test_a_file_that_became_unreadable_is_refused(pool: Pool) -> None:
    with pytest.raises(UnreadableFile):
        read_source(study_of(1), examples.read(), pool, lambda instance: b"no image")


def test_too_many_images_are_refused_before_one_is_read(pool: Pool) -> None:
    one = examples.material("CT", 1).reading.findings[0].finding
    contours = tuple(replace(one.contours[0], instance_id=f"i{n}") for n in range(MOST_IMAGES + 1))
    reading = examples.read(replace(one, contours=contours))

    def never(instance: InstanceHeader) -> bytes:
        raise AssertionError

    with pytest.raises(OutputTooLarge):
        read_source(study_of(MOST_IMAGES + 1), reading, pool, never)


STRANGE: dict[str, Any] = {
    "PatientName": "Canary\x1b[31m^" + "x" * 300,
    "PatientID": "CANARY\\SECOND",
    "PatientBirthDate": "31.12.1970",
    "PatientSex": "MALE",
    "StudyDate": "yesterday",
    "StudyTime": "99",
    "StudyDescription": "<script>alert(1)</script>" * 10,
    "AccessionNumber": "A" * 40,
    "ReferringPhysicianName": "ward",
    "BodyPartExamined": "chest, probably",
    "FrameOfReferenceUID": "no.uid",
    "PositionReferenceIndicator": "x" * 100,
}


def strange(made: Callable[..., Any]) -> list[bytes]:
    """Images whose headers hold what no header should."""
    kept, config.settings.writing_validation_mode = config.settings.writing_validation_mode, config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = made(**STRANGE)
    finally:
        config.settings.writing_validation_mode = kept
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", ["film", "CT"])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_strange_headers_give_valid_objects_and_no_patient_in_any_log(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = strange(examples.drawn_film if name == "film" else lambda **values: examples.slices("CT", 1, **values))
    source = examples.source_of(files)
    plain = examples.material("drawn films", 1)
    reading = examples.read(examples.finding(source, 1))
    material = replace(plain, source=source, reading=reading, pictures=plain.pictures[:1])
    # a slice without a frame of reference can have no segmentation, a film can
    for builder in (sr, capture, encapsulated, *([seg] if name == "film" else [])):
        for content in objects(builder.build(material)):
            assert dciodvfy_errors(content, tmp_path) == [], builder.KIND
    assert fhir_errors(json.loads(fhir.build(material))) == []
    assert "Canary" not in caplog.text


def test_an_element_that_can_not_be_converted_is_left_out() -> None:
    made = examples.slices("CT", 1, PatientOrientation=None)[0]
    spoilt = made.replace(b"-30.5\\-40.25\\12.0", b"abcde\\-40.25\\12.0")
    assert spoilt != made
    source = examples.source_of([spoilt])
    assert "ImagePositionPatient" not in source.first
    assert source.first.PatientID == "P-77"
