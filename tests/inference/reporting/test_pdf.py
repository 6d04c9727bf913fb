"""The PDF, read back: its texts in both languages, what stands on each page, its time."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pypdf import PageObject, PdfReader

from billing.printing.errors import PrintingTooSlow
from inference.domain.reading import Reading
from inference.reporting.document import document_of
from inference.reporting.facts import Facts
from inference.reporting.html import page_of
from inference.reporting.key_images import KeyImage
from inference.reporting.pdf import report_pdf
from tests.inference.reporting.samples import ADVICE, COMPARISON, facts, finding, read, reviewed, stack

pytestmark = pytest.mark.database_free


def pages(of: Facts, language: str = "en", images: tuple[KeyImage, ...] = ()) -> list[PageObject]:
    made = report_pdf(page_of(document_of(of, images, language, "https://assay.example/card")))
    return list(PdfReader(BytesIO(made)).pages)


def text_of(page: PageObject) -> str:
    """Without spaces: a PDF places glyphs, not words."""
    return "".join(page.extract_text().split())


def all_text(found: list[PageObject]) -> str:
    return "".join(text_of(page) for page in found)


def drawn(of: Facts) -> tuple[KeyImage, ...]:
    """The shots of these facts, each in a grey of its own."""
    return tuple(
        KeyImage(shot, (-600.0, 1500.0), np.full((50, 60, 3), 90 + 20 * place, np.uint8))
        for place, shot in enumerate(of.shots)
    )


def test_an_english_report_is_read_back() -> None:
    text = all_text(pages(facts(reviewed(), advice=(ADVICE,), comparison=COMPARISON)))
    for part in (
        "ChestCT", "CTthorax", "14.0×11.2mm", "123.4mm²", "1048mm³", "Rightlung,upperzone", "-105.8,12.0,287.5mm",
        "CTin3months.", "Because:", "no.2grew", "FleischnerSociety,2017", "+60%", "265days", "No.3rejected",
        "Revision2",
        "Toldthewardbytelephone.Dr.Adams", "ab" * 32, "https://assay.example/card",
        "Smallnodulesaremissed.", "Patient:",
    ):  # fmt: skip
        assert part in text, part


def test_chinese_is_read_back_and_comes_from_our_own_font() -> None:
    found = pages(facts(reviewed()), "zh-hans")
    text = all_text(found)
    for part in ("胸部CT", "右肺上叶实性结节,较前增大。", "血管断面", "王敏", "本产品不是医疗器械。", "2026年3月14日"):
        assert part in text, part
    fonts = {str(font.get_object()["/BaseFont"]) for page in found for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]
    assert {name.split("+")[1].split("-")[0] for name in fonts} == {"Paper"}


def test_the_disclaimer_the_job_and_the_number_stand_on_each_page() -> None:
    found = pages(facts(Reading(tuple(read(number, finding(number % 5)) for number in range(1, 41)))))
    assert len(found) > 2
    for number, page in enumerate(found, start=1):
        text = text_of(page)
        assert "Notamedicaldevice." in text
        assert "Preliminary:notreviewedbyaphysician." in text
        assert "job_now" in text
        assert f"Page{number}/{len(found)}" in text


def test_forty_findings_all_have_their_row() -> None:
    found = facts(Reading(tuple(read(number, finding(number % 5, score=number / 100)) for number in range(1, 41))))
    text = all_text(pages(found))
    assert [f"0.{number:02d}" for number in range(1, 41) if f"0.{number:02d}" not in text] == []


def test_key_images_are_in_the_pdf_with_their_captions() -> None:
    of = facts(Reading((read(1), read(2, finding(4)))))
    found = pages(of, images=drawn(of))
    assert len({picture.name for page in found for picture in page.images}) == 2
    assert "Figure2·slice5of5·findings2·window-600/1500" in all_text(found)


def test_long_texts_run_over_pages_and_none_is_lost() -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    text = all_text(pages(facts(replace(reviewed(), conclusion=words))))
    assert "word0word1" in text
    assert "word2999" in text


def test_a_word_without_end_stays_on_the_page() -> None:
    reading = replace(reviewed(), conclusion="x" * 400)
    assert all_text(pages(facts(reading))).count("x") >= 400


def test_an_unknown_spacing_is_on_the_paper() -> None:
    of = facts(Reading((read(1, finding(has_spacing=False)),)), stack(pixel_spacing=None))
    text = all_text(pages(of))
    assert "20×16px" in text
    assert "notknown:sizesareinpixels" in text


def test_the_same_document_gives_the_same_bytes() -> None:
    of = facts(reviewed())
    one, other = (report_pdf(page_of(document_of(of, drawn(of), "en"))) for _ in range(2))
    assert one == other


def test_a_pdf_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(PrintingTooSlow):
        report_pdf(page_of(document_of(facts(reviewed()), (), "en")), seconds=0.01)


def test_pictures_lose_nothing_that_the_eye_sees() -> None:
    of = facts(Reading((read(1),)))
    ramp = np.repeat(np.tile(np.linspace(0, 255, 60, dtype=np.uint8), (50, 1))[:, :, None], 3, axis=2)
    (image,) = pages(of, images=(KeyImage(of.shots[0], None, ramp),))[1].images or pages(of)[0].images
    seen = np.asarray(Image.open(BytesIO(image.data)).convert("RGB"), dtype=np.int16)
    assert np.abs(seen - ramp).max() <= 8
