"""From HTML to PDF by WeasyPrint, which needs pango: imported only where something is printed."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from billing.printing.font import FONT

STYLE = f"@font-face {{ font-family: Paper; src: url({FONT.as_uri()}) }}"
INLINE = re.compile(r"data:(image/(?:png|jpeg));base64,")


class ForeignAddress(FatalURLFetchingError):  # type: ignore[misc]  # the library has no types
    """A page wanted something that is not ours."""


class OnlyOurs(URLFetcher):  # type: ignore[misc]
    """Fetches the font, and pictures that the page carries itself: no text of a customer makes us open an address."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        if picture := INLINE.match(url):
            return URLFetcherResponse(url, b64decode(url[picture.end() :]), {"Content-Type": picture[1]})
        if url != FONT.as_uri():
            raise ForeignAddress(url[:80])
        return URLFetcherResponse(url, FONT.read_bytes())


def press(page: str) -> bytes:
    """The page as PDF."""
    fonts = FontConfiguration()
    fetcher = OnlyOurs()
    style = CSS(string=STYLE, font_config=fonts, url_fetcher=fetcher)
    made: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf(stylesheets=[style], font_config=fonts)
    return made
