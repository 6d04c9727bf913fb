from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.utils import translation

from tests.portal.messages import every_message

pytestmark = pytest.mark.database_free
CATALOGUE = Path(__file__).resolve().parents[2] / "platform/portal/locale/zh_Hans/LC_MESSAGES/django.po"
PLACE = re.compile(r"%\((\w+)\)s|%d")


def test_every_text_that_a_customer_meets_is_translated() -> None:
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE))} | {
        entry.msgid_plural for entry in polib.pofile(str(CATALOGUE)) if entry.msgid_plural
    }
    assert every_message() - known == set()


def test_a_text_that_is_not_translated_would_be_noticed() -> None:
    assert "Nobody has translated this sentence." not in {entry.msgid for entry in polib.pofile(str(CATALOGUE))}
    assert "There is no such object." in every_message()


def test_translations_keep_their_places() -> None:
    for entry in polib.pofile(str(CATALOGUE)):
        if entry.msgstr:
            assert sorted(PLACE.findall(entry.msgid)) == sorted(PLACE.findall(entry.msgstr)), entry.msgid


def test_what_is_compiled_is_what_is_written() -> None:
    compiled = {entry.msgid: entry.msgstr for entry in polib.mofile(str(CATALOGUE.with_suffix(".mo")))}
    assert {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUE))} == compiled


def test_django_finds_the_catalogue() -> None:
    with translation.override("zh-hans"):
        assert translation.gettext("There is no such object.") == "没有这个对象。"
