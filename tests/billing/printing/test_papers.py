"""The press: what it may fetch, how long it may take, and a machine that has none."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from threading import BoundedSemaphore

import pytest
from PIL import Image
from pypdf import PdfReader
from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError

from billing.printing import __main__ as process
from billing.printing import papers, press
from billing.printing.errors import PrintingTooSlow, PrintingUnavailable

pytestmark = pytest.mark.database_free
PAGE = "<html lang='zh-hans'><style>body { font: 12pt Paper }</style><body>肺结节 8.1 × 6.0 mm³</body></html>"


def text_of(made: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(made)).pages)


def inline_picture() -> str:
    stream = BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    return f'<img src="data:image/png;base64,{b64encode(stream.getvalue()).decode()}">'


def test_a_page_that_wants_something_foreign_is_refused() -> None:
    with pytest.raises(FatalURLFetchingError):
        HTML(string='<img src="http://127.0.0.1:9/x">', url_fetcher=press.OnlyOurs()).write_pdf()


def test_a_picture_that_the_page_carries_is_printed() -> None:
    assert len(PdfReader(BytesIO(papers.printed(inline_picture()))).pages[0].images) == 1


def test_a_picture_of_another_kind_is_refused() -> None:
    with pytest.raises(FatalURLFetchingError):
        papers.printed('<img src="data:image/svg+xml,<svg/>">')


def test_both_ways_to_a_pdf_give_the_same_text() -> None:
    assert text_of(papers.printed_apart(PAGE)) == text_of(papers.printed(PAGE)) == "肺结节8.1×6.0mm³"


def test_the_same_page_gives_the_same_bytes() -> None:
    assert papers.printed_apart(PAGE) == papers.printed_apart(PAGE)


def test_the_press_is_ended_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "COMMAND", (sys.executable, "-c", "import threading; threading.Event().wait()"))
    with pytest.raises(PrintingTooSlow):
        papers.printed_apart(PAGE, seconds=0.2)


@pytest.fixture
def no_free_press(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    busy = BoundedSemaphore(1)
    monkeypatch.setattr(papers, "PRESSES", busy)
    with busy:
        yield


@pytest.mark.usefixtures("no_free_press")
def test_who_waits_for_a_press_does_not_wait_for_ever() -> None:
    with pytest.raises(PrintingTooSlow):
        papers.printed_apart(PAGE, seconds=0.01)


def test_a_press_is_free_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "COMMAND", (sys.executable, "-c", "raise ValueError('a name')"))
    for _ in range(3):
        with pytest.raises(PrintingUnavailable) as raised:
            papers.printed_apart(PAGE)
        assert not isinstance(raised.value, PrintingTooSlow)


def without_pango(_: str) -> None:
    raise OSError("cannot load library 'libpango-1.0-0'")


def test_a_machine_without_pango_says_so_and_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "import_module", without_pango)
    with pytest.raises(PrintingUnavailable):
        papers.printed("<p>")


def test_the_process_of_the_press_tells_that_pango_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "import_module", without_pango)
    monkeypatch.setattr(process.resource, "setrlimit", lambda *_: None)
    assert process.main() == process.NO_LIBRARIES
    monkeypatch.setattr(papers, "COMMAND", (sys.executable, "-c", f"raise SystemExit({process.NO_LIBRARIES})"))
    with pytest.raises(PrintingUnavailable):
        papers.printed_apart(PAGE)


def test_the_process_of_the_press_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(papers, "COMMAND", (sys.executable, "-c", "import os; print('DATABASE_URL' in os.environ)"))
    assert papers.printed_apart(PAGE).strip() == b"False"
