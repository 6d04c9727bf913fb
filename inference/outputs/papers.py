"""What other parts make and outputs wrap: key images and the report as PDF. Call both outside of a transaction."""

from __future__ import annotations

from inference.domain.reading import Reading
from inference.models import Result
from inference.outputs.material import Picture
from inference.reporting import key_images as drawing
from inference.reporting import pdf
from inference.reporting.facts import facts_of
from inference.reporting.html import report_page
from tenants.context import tenant_context

LANGUAGES = {"en": "en", "zh": "zh-hans"}


def key_images(result: Result, reading: Reading) -> tuple[Picture, ...]:
    """The images to look at first, outlines, numbers and label burned in."""
    return tuple(Picture(one.instance_id, one.labelled_png) for one in drawing.key_images(result, reading))


def report_pdf(result: Result, reading: Reading, language: str) -> bytes:
    """The report of this reading; `language` is en or zh. Raises `PrintingUnavailable` and `PrintingTooSlow`."""
    with tenant_context(result.tenant_id):
        facts = facts_of(result, reading)
    return pdf.report_pdf(report_page(facts, LANGUAGES[language]))
