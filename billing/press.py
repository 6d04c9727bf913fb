"""From HTML to PDF by WeasyPrint, which needs pango: imported only where something is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

FONT = Path(__file__).parent / "fonts" / "NotoSansCJKsc-Regular-subset.otf"
STYLE = f"@font-face {{ font-family: Paper; src: url({FONT.as_uri()}) }}"


class ForeignAddress(FatalURLFetchingError):  # type: ignore[misc]  # the library has no types
    """A page wanted something that is not ours."""


class OnlyOurFont(URLFetcher):  # type: ignore[misc]
    """Fetches the font and nothing else: no text of a customer makes the house open an address."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        if url != FONT.as_uri():
            raise ForeignAddress(url)
        return URLFetcherResponse(url, FONT.read_bytes())


def press(page: str) -> bytes:
    """The page as PDF."""
    fonts = FontConfiguration()
    fetcher = OnlyOurFont()
    style = CSS(string=STYLE, font_config=fonts, url_fetcher=fetcher)
    made: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf(stylesheets=[style], font_config=fonts)
    return made
