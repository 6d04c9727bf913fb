"""Pseudonyms, dates, vocabulary and the table: rules without a file."""

from __future__ import annotations

import re

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.sr._cid_dict import cid_concepts  # the standard's own list

from inference.deidentification.dates import moved
from inference.deidentification.profile import CODES, METHODS, action_of
from inference.deidentification.pseudonyms import days_of, name_of, uid_of
from inference.deidentification.vocabulary import WORDS, is_plain

pytestmark = pytest.mark.database_free
KEY, OTHER = b"a" * 32, b"b" * 32


def test_a_uid_maps_the_same_way_again_and_otherwise_under_another_key() -> None:
    mapped = uid_of(KEY, "1.2.3")
    assert mapped == uid_of(KEY, "1.2.3")
    assert mapped not in (uid_of(OTHER, "1.2.3"), uid_of(KEY, "1.2.4"))
    assert re.fullmatch(r"2\.25\.\d{1,39}", mapped)
    assert int(mapped[5:]) < 2**128


def test_a_name_is_no_persons_and_the_patients_own() -> None:
    assert re.fullmatch(r"ANON-[0-9A-Z]{4}-[0-9A-Z]{4}", name_of(KEY, "p1"))
    assert len({name_of(KEY, f"p{number}") for number in range(2000)}) == 2000


def test_the_dates_of_a_patient_move_by_the_same_days() -> None:
    days = {days_of(KEY, f"p{number}") for number in range(200)}
    assert len(days) > 100
    assert min(days) >= 1
    first, second = moved("20240115", "DA", 400), moved("20240201", "DA", 400)
    assert (first, second) == ("20221211", "20221228")


@pytest.mark.parametrize(
    ("text", "vr", "after"),
    [
        ("20240301", "DA", "20240229"),
        ("2024.03.01", "DA", "20240229"),
        ("20240301101500.123+0800", "DT", "20240229101500.123+0800"),
        ("101500.5", "TM", "101500.5"),
        ("20241301", "DA", None),
        ("2024", "DT", None),
        ("Smith", "DA", None),
        ("noon", "TM", None),
        ("00010101", "DA", None),
    ],
)
def test_a_date_that_can_not_be_moved_does_not_stay(text: str, vr: str, after: str | None) -> None:
    assert moved(text, vr, 1) == after


@pytest.mark.parametrize(
    "text", ["CT CHEST W/O CONTRAST", "Thorax 1.0 B30f", "t1_vibe_fs_tra", "HEAD^ROUTINE", "5mm AXIAL", "", "ORIGINAL"]
)
def test_words_of_the_vocabulary_stay(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize(
    "text", ["CT CHEST SMITH", "Müller", "12345678", "1990-02-03", "胸部", "CHEST " * 60, "call 5551234", "A. Weber"]
)
def test_a_text_with_one_other_word_goes_as_a_whole(text: str) -> None:
    assert not is_plain(text)


def test_the_vocabulary_holds_no_common_family_name() -> None:
    names = (
        "SMITH JONES BROWN TAYLOR WILSON WHITE GREEN HALL WOOD YOUNG KING MARTIN LEE LI WANG ZHANG CHEN LIU MEYER WEBER"
    )
    assert not WORDS & set(names.split())


def test_the_table_names_attributes_of_the_standard() -> None:
    assert all(tag_for_keyword(keyword) for keyword in CODES)
    assert len(CODES) > 600


@pytest.mark.parametrize(
    ("keyword", "vr", "action"),
    [
        ("PatientName", "PN", "empty"),
        ("PatientBirthDate", "DA", "remove"),
        ("StudyDate", "DA", "keep"),
        ("PatientAge", "AS", "keep"),
        ("InstitutionName", "LO", "empty"),
        ("PatientAddress", "LO", "remove"),
        ("SOPInstanceUID", "UI", "uid"),
        ("SourceImageSequence", "SQ", "items"),
        ("OtherPatientIDsSequence", "SQ", "remove"),
        ("SeriesDescription", "LO", "keep"),
    ],
)
def test_what_the_profile_asks_for(keyword: str, vr: str, action: str) -> None:
    assert action_of(keyword, vr) == action


def test_the_methods_are_codes_of_cid_7050() -> None:
    told = {method.meaning.replace(" ", "") for method in METHODS}
    assert told <= {keyword for keywords in cid_concepts[7050].values() for keyword in keywords}
