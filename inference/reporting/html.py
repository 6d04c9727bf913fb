"""The report as a page that stands alone: style and pictures are inside, and it loads nothing."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation

from inference.reporting.document import ReportDocument, document_of
from inference.reporting.facts import Facts
from inference.reporting.key_images import drawn


def report_page(facts: Facts, language: str, *, card_url: str = "") -> str:
    """The page in one of `document.LANGUAGES`. Draws the pictures, so call it outside of a transaction."""
    return page_of(document_of(facts, drawn(facts.tenant_id, facts.shots), language, card_url))


def page_of(document: ReportDocument) -> str:
    with translation.override(document.language):
        return render_to_string("inference/report.html", {"report": document})
