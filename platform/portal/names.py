"""Names in the reader's language: a customer never reads a slug where there is a name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from billing import texts
from billing.domain.money import plain
from billing.models import EVERY_PLUGIN, Plan
from inference.plugins import registry as plugins


def reads_chinese() -> bool:
    """Whether the page is told in Chinese."""
    return (get_language() or "").startswith("zh")


def in_language(both: Any) -> str:
    """The text of a plugin in the reader's language."""
    text: str = both.zh_hans if reads_chinese() else both.en
    return text


def plugin_title(slug: str) -> str:
    """An analysis by its title; by its slug where it is not installed any more, for the past is still shown."""
    plugin = plugins.installed().get(slug)
    return in_language(plugin.manifest.title) if plugin else slug


def plan_name(plan: Plan) -> str:
    """A plan by its name; the Chinese one is the operator's to give."""
    return (reads_chinese() and plan.name_zh) or plan.name


def unit_name(unit: str) -> str:
    """A billing unit in the reader's language; a unit of a stranger's plugin as it is written."""
    return str(texts.unit(unit))


def output_name(kind: str) -> str:
    """A kind of output as a menu says it."""
    names = {
        "dicom_sr": _("Structured report (DICOM SR)"),
        "dicom_seg": _("Segmentation (DICOM SEG)"),
        "dicom_key_images": _("Key images (DICOM)"),
        "dicom_pdf": _("Report as a document (DICOM PDF)"),
        "fhir": _("Report for FHIR (JSON)"),
    }
    return names[kind]


def counted(quantity: Decimal, unit: str) -> str:
    """So many of a unit, as a sentence says it: `12 images`; of a stranger's unit as it is written."""
    number = 1 if quantity == 1 else 2
    forms = {
        "analysis": ngettext("%(count)s analysis", "%(count)s analyses", number),
        "study": ngettext("%(count)s study", "%(count)s studies", number),
        "series": ngettext("%(count)s series", "%(count)s series", number),
        "image": ngettext("%(count)s image", "%(count)s images", number),
        "1k_chars": ngettext("%(count)s thousand characters", "%(count)s thousand characters", number),
        "request": ngettext("%(count)s request", "%(count)s requests", number),
        "item": ngettext("%(count)s item", "%(count)s items", number),
        "training_minute": ngettext("%(count)s minute of training", "%(count)s minutes of training", number),
    }
    shown = number_format(plain(quantity))
    return forms[unit] % {"count": shown} if unit in forms else f"{shown} {unit}"


def invoice_line(code: str, params: Mapping[str, Any]) -> str:
    """The text of an invoice's line. Billing keeps slugs, for it knows no plugin; here they become names."""
    named = dict(params)
    if named.get("plugin", EVERY_PLUGIN) != EVERY_PLUGIN:
        named["plugin"] = plugin_title(named["plugin"])
    if "unit" in named:
        named["unit"] = unit_name(named["unit"]).lower()
    if "plan" in named:
        plan = Plan.objects.filter(name=named["plan"]).first()
        named["plan"] = plan_name(plan) if plan else named["plan"]
    return texts.in_language(code, named)


def address(billed_to: Mapping[str, Any]) -> list[str]:
    """The lines of an address as it was kept on an invoice, with the tax number last."""
    town = " ".join(filter(None, (billed_to.get("postal_code"), billed_to.get("city"))))
    lines = [billed_to.get("name"), billed_to.get("line1"), billed_to.get("line2"), town, billed_to.get("country")]
    tax = _("Tax number %(number)s") % {"number": billed_to["tax_id"]} if billed_to.get("tax_id") else ""
    return [str(line) for line in (*lines, billed_to.get("email"), tax) if line]


def payment_method(method: str) -> str:
    """How a payment came; a provider's own word as it is written."""
    known = {"manual": _("By transfer"), "card": _("Card"), "local": _("Test payment")}
    return known.get(method, method)
