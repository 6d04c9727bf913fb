"""The page: its parts, and that texts of people stay texts."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from inference.domain.reading import Reading
from inference.reporting.document import document_of
from inference.reporting.facts import Facts
from inference.reporting.html import page_of
from tests.inference.reporting.samples import ADVICE, COMPARISON, facts, finding, read, reviewed

pytestmark = pytest.mark.database_free
HEADINGS = [
    "Technique", "Findings", "Comparison", "Advice", "Changes by the physician", "Conclusion", "Addenda",
    "Model and limits",
]  # fmt: skip


class Headings(HTMLParser):
    """The texts of the second-level headings."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_open = tag == "h2"

    def handle_data(self, data: str) -> None:
        if self.is_open and data.strip():
            self.found.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self.is_open = False


def page(of: Facts, language: str = "en") -> str:
    return page_of(document_of(of, (), language, "https://assay.example/card"))


def headings(text: str) -> list[str]:
    parser = Headings()
    parser.feed(text)
    return parser.found


def whole() -> Facts:
    return replace(facts(reviewed(), advice=(ADVICE,), comparison=COMPARISON), shots=(), sought=0)


def test_all_parts_stand_in_the_order_in_which_they_are_read() -> None:
    assert headings(page(whole())) == HEADINGS


def test_a_part_that_is_empty_is_left_out() -> None:
    assert headings(page(replace(facts(Reading(())), shots=(), sought=0))) == [
        "Technique", "Findings", "Model and limits",
    ]  # fmt: skip


def test_a_preliminary_report_leaves_room_for_a_signature_and_a_signed_one_does_not() -> None:
    assert "Physician" in page(facts(Reading((read(1),))))
    assert "Physician" not in page(whole())


def test_a_report_that_is_not_medical_asks_for_no_patient() -> None:
    medical = facts(Reading(()))
    assert "Patient" in page(medical)
    assert "Patient" not in page(replace(medical, model=replace(medical.model, medical=False)))


def test_a_rejected_finding_is_left_out_of_the_table_and_told_as_a_change() -> None:
    text = page(whole())
    assert "<strong>3</strong>" not in text
    assert "No. 3 rejected" in text


def test_what_people_wrote_stays_text() -> None:
    hostile = '<img src="data:image/png;base64,AAAA"><script>alert(1)</script>'
    reading = replace(reviewed(), conclusion=hostile, findings=(read(1, finding(), status="rejected", reason=hostile),))
    text = page(facts(reading))
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 2
    assert "<img" not in text


def test_the_page_says_its_language() -> None:
    assert '<html lang="zh-hans">' in page(whole(), "zh-hans")
    assert "右肺上叶实性结节" in page(whole(), "zh-hans")


def test_the_page_loads_nothing() -> None:
    text = page(whole())
    assert "url(" not in text
    assert "<script" not in text
    assert "<link" not in text
