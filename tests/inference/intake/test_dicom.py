from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from inference.domain.errors import UnreadableFile
from inference.intake import parse
from inference.intake.inspection import Inspection, inspect_file
from inference.intake.limits import Limits
from inference.intake.pool import Pool, Source
from inference.intake.whole import Whole
from tests.inference.intake import files
from tests.inference.intake.conftest import large, small
from tests.inference.intake.test_pool import pool_of


def refused(pool: Pool, source: Source) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        inspect_file(pool, source)
    return caught.value


def header(pool: Pool, **attributes: Any) -> dict[str, Any]:
    return dict(inspect_file(pool, files.dicom(**attributes)).header)


def test_a_real_radiograph_is_described(pool: Pool) -> None:
    found = inspect_file(pool, large("RG1_UNCR.dcm"))
    assert found.kind == "dicom"
    assert found.study_uid.startswith("1.")
    assert {name: found.header[name] for name in ("rows", "columns", "modality", "photometric", "pixel_spacing")} == {
        "rows": 1955,
        "columns": 1841,
        "modality": "CR",
        "photometric": "MONOCHROME1",
        "pixel_spacing": None,
    }


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "ExplVR_BigEnd.dcm",
        "JPEG2000.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "examples_palette.dcm",
        "image_dfl.dcm",
        "J2K_pixelrep_mismatch.dcm",
    ],
)
def test_every_usual_transfer_syntax_is_taken(pool: Pool, name: str) -> None:
    assert inspect_file(pool, small(name)).kind == "dicom"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("MR_truncated.dcm", "unreadable_file"),
        ("JPEG-lossy.dcm", "unreadable_file"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "unreadable_file"),
        ("meta_missing_tsyntax.dcm", "unreadable_file"),
        ("nested_priv_SQ.dcm", "unreadable_file"),
        ("badVR.dcm", "not_an_image"),
        ("test-SR.dcm", "not_an_image"),
        ("liver_1frame.dcm", "not_an_image"),
        ("rtdose_1frame.dcm", "not_an_image"),
        ("rtplan.dcm", "not_an_image"),
        ("waveform_ecg.dcm", "not_an_image"),
        ("rtplan.dump", "unreadable_file"),
        ("zipMR.gz", "unreadable_file"),
    ],
)
def test_what_is_no_readable_image_is_refused_with_a_reason(pool: Pool, name: str, code: str) -> None:
    assert refused(pool, small(name)).code == code


def test_a_dicomdir_is_never_opened(pool: Pool) -> None:
    assert refused(pool, small("DICOMDIR")).template.startswith("DICOMDIR is not taken")


def test_a_file_cut_anywhere_is_unreadable(pool: Pool) -> None:
    whole = small("CT_small.dcm").read_bytes()
    for kept in (140, 400, 1500, len(whole) // 2, len(whole) - 2000):
        assert refused(pool, whole[:kept]).code in ("unreadable_file", "not_an_image")


def test_an_empty_file_and_a_renamed_text_file_are_told_apart(pool: Pool) -> None:
    assert refused(pool, b"").code == "empty_file"
    assert refused(pool, b"Dear sir, this is no image.\n" * 20).code == "unreadable_file"


def test_a_header_may_not_claim_more_than_the_caps(pool: Pool) -> None:
    assert refused(pool, files.header_lie(65535, 65535, 1000)).params == {
        "rows": "65535",
        "columns": "65535",
        "limit": "36000000",
    }
    assert refused(pool, files.header_lie(4, 5, 100_000)).template.startswith("The image has %(frames)s frames")
    assert refused(pool, files.header_lie(2000, 2000, 1000)).template.startswith("The decoded image takes")


def test_a_header_that_claims_more_than_the_file_holds_is_cut_short() -> None:
    lie = files.header_lie(65535, 65535, 1)
    with pool_of(replace(Limits(children=1), pixels=2**33, decoded_bytes=2**40)) as uncapped:
        assert refused(uncapped, lie).template == "The file ends before its pixel data does."


def test_a_deflate_bomb_stops_at_the_ratio(pool: Pool) -> None:
    bomb = files.deflate_bomb()
    assert len(bomb) < 600_000
    found = refused(pool, bomb)
    assert (found.code, found.template) == ("image_too_large", "The inflated data set takes more than %(limit)s bytes.")


def test_without_the_ratio_the_same_bomb_meets_the_memory_limit() -> None:
    with pool_of(replace(Limits(children=1), inflate_ratio=10**6, inflated_bytes=2**40)) as uncapped:
        assert refused(uncapped, files.deflate_bomb(1024 * files.MIB)).template.startswith(
            "The image needs more memory"
        )


def test_a_deflated_file_within_the_caps_gives_the_header_of_its_plain_form(pool: Pool) -> None:
    plain, deflated = files.dicom(SOPInstanceUID="1.2.3"), files.dicom(SOPInstanceUID="1.2.3", deflated=True)
    assert plain != deflated
    assert inspect_file(pool, plain) == inspect_file(pool, deflated)
    assert refused(pool, deflated[:-40]).code == "unreadable_file"


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.4.100", "1.2.3"]
)
def test_syntaxes_without_a_bounded_decoder_are_refused_by_name(pool: Pool, syntax: str) -> None:
    padded = syntax.encode() + b"\x00" * (len(syntax) % 2)
    ours = b"UI\x14\x001.2.840.10008.1.2.1\x00"
    found = refused(pool, files.dicom().replace(ours, b"UI" + struct.pack("<H", len(padded)) + padded))
    assert (found.code, found.params) == ("unsupported_syntax", {"syntax": syntax})


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "../../etc/passwd"])
def test_a_file_without_identity_is_refused(pool: Pool, name: str, value: str | None) -> None:
    attributes: dict[str, Any] = {name: value}
    found = refused(pool, files.dicom(**attributes))
    assert (found.code, found.params) == ("unreadable_file", {"attribute": name})


def test_a_data_set_without_preamble_and_meta_is_taken(pool: Pool) -> None:
    whole = files.dicom()
    bare = whole[whole.index(b"\x08\x00\x16\x00UI") :]
    assert inspect_file(pool, bare).header["rows"] == 4


def test_nothing_of_the_patient_leaves_the_child(pool: Pool) -> None:
    found = inspect_file(pool, files.dicom(PatientBirthDate="19700101", InstitutionName="Canary Hospital"))
    shown = json.dumps({"header": dict(found.header), "study": found.study_uid})
    assert "anary" not in shown
    assert "CANARY" not in shown
    assert "19700101" not in shown


def test_a_stranger_s_text_is_cut_and_made_printable(pool: Pool) -> None:
    found = header(pool, StudyDescription="a\x00b\x1b[31m" + "x" * 500, Modality="CT\x00")
    assert found["study_description"] == "ab[31m" + "x" * (Limits().text_chars - 6)
    assert found["modality"] == "CT"


def test_numbers_that_are_none_count_as_not_given(pool: Pool) -> None:
    found = header(
        pool,
        PixelSpacing=[0.0, 0.5],
        SliceThickness="-1",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[1, 2],
        InstanceNumber="7",
        WindowCenter=[40, 80],
        WindowWidth=[400, 200],
    )
    assert {name: found[name] for name in ("pixel_spacing", "slice_thickness", "position", "instance_number")} == {
        "pixel_spacing": None,
        "slice_thickness": None,
        "position": None,
        "instance_number": 7,
    }
    assert found["orientation"] == [1, 0, 0, 0, 1, 0]
    assert found["window"] == [40, 400]


def test_geometry_of_an_enhanced_object_is_that_of_its_first_frame(pool: Pool) -> None:
    found = inspect_file(pool, large("eCT_Supplemental.dcm")).header
    assert found["frames"] == 2
    assert len(found["pixel_spacing"]) == 2
    assert len(found["orientation"]) == 6
    assert len(found["position"]) == 3


JUNK = b"trailing words that are no element of a data set "


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(files.dicom() + JUNK, id="a film and words behind it"),
        pytest.param(files.dicom() + b"\x09\x00\x01\x10UN\x00\x00\xff\xff\xff\x7f", id="a film and half an element"),
        pytest.param(files.dicom(deflated=True)[:-2], id="a deflated film that was cut"),
        pytest.param(bytes(128) + b"DICM" + JUNK * 5, id="words behind the magic"),
        pytest.param(small("MR_small_jp2klossless.dcm").read_bytes() + JUNK, id="a packed film and words behind it"),
    ],
)
def test_a_length_beyond_the_end_of_the_file_is_no_lack_of_memory(pool: Pool, content: bytes) -> None:
    found = refused(pool, content)
    assert (found.code, found.template) == ("unreadable_file", "The file is damaged or not complete.")


def test_a_value_up_to_the_end_of_the_file_is_read() -> None:
    file = Whole(io.BytesIO(bytes(20_000)))
    assert len(file.read(20_000)) == 20_000
    file.seek(1)
    with pytest.raises(UnreadableFile):
        file.read(20_000)
    assert len(file.read()) == 19_999
    assert file.read(8) == b"", "what the parser reads to see the end is no length of the file's"


def test_pixels_are_decoded_at_upload(pool: Pool) -> None:
    broken = bytearray(small("MR_small_jp2klossless.dcm").read_bytes())
    start = broken.index(b"\xff\x4f\xff\x51")
    broken[start + 4 : start + 400] = bytes(396)
    assert refused(pool, bytes(broken)).template == "The header can be read, but the pixel data can not be decoded."


def one_good_frame_then_damage(*_: object) -> Iterator[str]:
    yield "frame"
    raise ValueError("damage")


@pytest.mark.parametrize(("seconds", "is_seen"), [(-1.0, False), (60.0, True)])
def test_the_check_of_pixels_ends_at_its_time_and_never_before_the_first_frame(
    monkeypatch: pytest.MonkeyPatch, seconds: float, is_seen: bool
) -> None:
    monkeypatch.setattr(parse, "stored_frames", one_good_frame_then_damage)
    header: Any = None
    pixels: Any = None
    with pytest.raises(ValueError, match="damage") if is_seen else nullcontext():
        parse.check_frames(header, pixels, replace(Limits(), pixel_check_seconds=seconds))


def test_a_file_whose_pixels_were_cut_off_is_refused(pool: Pool) -> None:
    cut = large("emri_small_jpeg_2k_lossless_too_short.dcm")
    assert refused(pool, cut).template.startswith("The header can be read")


def test_an_inspection_is_what_the_rows_need(pool: Pool) -> None:
    assert isinstance(inspect_file(pool, files.dicom()), Inspection)
