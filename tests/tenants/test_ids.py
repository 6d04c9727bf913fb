from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.ids import UnknownId, decode, encode, uuid7

pytestmark = pytest.mark.database_free


@given(st.uuids())
def test_an_id_comes_back_from_its_public_form(value: UUID) -> None:
    assert decode("job", encode("job", value)) == value


@given(st.text(max_size=40))
def test_other_text_is_an_unknown_id(text: str) -> None:
    with pytest.raises(UnknownId):
        decode("job", text)


def test_the_prefix_belongs_to_the_id() -> None:
    with pytest.raises(UnknownId):
        decode("std", encode("job", uuid7()))


def test_a_number_beyond_128_bits_is_unknown() -> None:
    with pytest.raises(UnknownId):
        decode("job", "job_" + "z" * 26)


def test_new_ids_are_version_seven_and_follow_time() -> None:
    first, second = uuid7(), uuid7()
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert first.int >> 80 <= second.int >> 80


def test_the_public_form_sorts_as_the_id_does() -> None:
    values = sorted((uuid7() for _ in range(50)), key=lambda value: value.int)
    assert sorted(encode("job", value) for value in values) == [encode("job", value) for value in values]
