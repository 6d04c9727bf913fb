"""The same page as a PDF."""

from __future__ import annotations

from billing.printing.papers import SECONDS, printed_apart


def report_pdf(page: str, *, seconds: float = SECONDS) -> bytes:
    """What `html.report_page` gives, printed; the same page gives the same bytes.

    Raises `PrintingUnavailable` on a machine without pango, `PrintingTooSlow` after `seconds`.
    """
    return printed_apart(page, seconds=seconds)
