"""The texts of invoice lines: stored as a code with parameters, translated where they are shown."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, gettext_noop

TEXTS = {
    "fee": gettext_noop("Plan %(plan)s, fee for the period"),
    "fee.part": gettext_noop("Plan %(plan)s, fee from %(from)s until %(until)s"),
    "add_on": gettext_noop("Add-on %(plan)s"),
    "usage.analyses": gettext_noop("%(plugin)s, completed analyses"),
    "usage.units": gettext_noop("%(plugin)s, use by %(unit)s"),
    "usage.all_analyses": gettext_noop("Completed analyses"),
    "usage.all_units": gettext_noop("Use by %(unit)s"),
    "usage.credit": gettext_noop("Credit: unfinished work gave its place back, so that less is due by the price list"),
    "credits": gettext_noop("Paid from credits"),
    "credits.purchase": gettext_noop("Credits, bought in advance"),
}
PRIOR = gettext_noop("%(text)s (prior period)")


UNITS: dict[str, Promise] = {
    "analysis": gettext_lazy("Analysis"),
    "study": gettext_lazy("Study"),
    "series": gettext_lazy("Series"),
    "image": gettext_lazy("Image"),
    "1k_chars": gettext_lazy("1,000 characters"),
    "request": gettext_lazy("Request"),
    "item": gettext_lazy("Item"),
    "training_minute": gettext_lazy("Minute of training"),
}


def unit(slug: str) -> Promise | str:
    """A billing unit in the language of who reads it; one of a stranger's analysis as it is written."""
    return UNITS.get(slug, slug)


def in_english(code: str, params: dict[str, Any]) -> str:
    """The English text. Raises `KeyError` for a code that does not exist."""
    return _fill(TEXTS[code], PRIOR, params)


def in_language(code: str, params: dict[str, Any]) -> str:
    """The text in the language that is active; call it at the edge."""
    return _fill(gettext(TEXTS[code]), gettext(PRIOR), params)


def _fill(template: str, prior: str, params: dict[str, Any]) -> str:
    text = template % params
    return prior % {"text": text} if params.get("prior") else text
