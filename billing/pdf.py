"""Invoices and credit notes as PDF, in English and Chinese, with a font of our own: the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format, number_format

from billing import texts
from billing.domain.money import MINOR_DIGITS, in_major_units, plain
from billing.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine, InvoiceState
from billing.printing.papers import printed

LANGUAGES = {"en": "en", "zh": "zh-hans"}
Naming = Callable[[str, Mapping[str, Any]], str]
"""The text of a line from its code and params."""


def in_language(code: str, params: Mapping[str, Any]) -> str:
    """A line's text as billing knows it, with slugs in the place of names."""
    return texts.in_language(code, dict(params))


def invoice_pdf(invoice: Invoice, language: str, *, named: Naming = in_language) -> bytes:
    """The invoice as it stands now; `language` is en or zh, `named` gives the lines their texts.

    Raises `KeyError` for another language.
    """
    return printed(invoice_page(invoice, language, named=named))


def credit_note_pdf(note: CreditNote, language: str, *, named: Naming = in_language) -> bytes:
    """The credit note, with the addresses of its invoice. Raises `KeyError` for another language."""
    return printed(credit_note_page(note, language, named=named))


def invoice_page(invoice: Invoice, language: str, *, named: Naming = in_language) -> str:
    """What is printed, as HTML: reads the database, which printing does not."""
    with translation.override(LANGUAGES[language]):
        rows = InvoiceLine.objects.for_tenant(invoice.tenant_id).filter(invoice=invoice)
        lines = [
            {
                "text": named(row.code, row.params),
                "quantity": number_format(plain(row.quantity)) if row.quantity else "",
                "unit_amount": unit_price(row.unit_amount, invoice.currency),
                "amount": money(row.amount, invoice.currency),
            }
            for row in rows.order_by("position")
        ]
        coupons = ", ".join(each["code"] for each in invoice.billed_to.get("coupons", []))
        return _page("billing/invoice.html", invoice, lines=lines, coupons=coupons)


def credit_note_page(note: CreditNote, language: str, *, named: Naming = in_language) -> str:
    """Like `invoice_page`."""
    with translation.override(LANGUAGES[language]):
        rows = CreditNoteLine.objects.for_tenant(note.tenant_id).filter(credit_note=note)
        lines = [
            {
                "text": named(row.invoice_line.code, row.invoice_line.params),
                "amount": money(row.amount, note.currency),
            }
            for row in rows.select_related("invoice_line").order_by("invoice_line__position")
        ]
        discount = note.net - sum(row.amount for row in rows)
        sums = {name: money(getattr(note, name), note.currency) for name in ("net", "tax", "total")}
        return _page(
            "billing/credit_note.html", note.invoice, note=note, lines=lines, sums=sums,
            discount=money(discount, note.currency) if discount else "",
            issued=day(note.issued_at, note.invoice),
        )  # fmt: skip


def money(amount: int, currency: str) -> str:
    """Minor units as a person reads them: `5.00 USD`."""
    digits = MINOR_DIGITS.get(currency.lower(), 2)
    return f"{number_format(in_major_units(amount, currency), decimal_pos=digits)} {currency.upper()}"


def unit_price(amount: Decimal | None, currency: str) -> str:
    """The exact price of a unit; nothing where it depends on how many came before."""
    if amount is None:
        return ""
    digits = MINOR_DIGITS.get(currency.lower(), 2)
    major = plain(amount.scaleb(-digits))
    return number_format(major, decimal_pos=max(digits, -int(major.as_tuple().exponent)))


def day(moment: datetime | None, invoice: Invoice) -> str:
    """A date on the customer's calendar, in the active language."""
    if moment is None:
        return ""
    zone = invoice.subscription.time_zone if invoice.subscription else "UTC"
    return date_format(moment.astimezone(ZoneInfo(zone)), "DATE_FORMAT")


def _page(template: str, invoice: Invoice, **context: Any) -> str:
    amounts = ("subtotal", "discount", "tax", "total", "amount_paid", "amount_credited")
    shown = {name: money(getattr(invoice, name), invoice.currency) for name in amounts}
    return render_to_string(template, {
        "invoice": invoice,
        "shown": shown | {"due": money(max(0, invoice.amount_due), invoice.currency)},
        "dates": {name: day(getattr(invoice, f"{name}_at"), invoice) for name in ("closed", "due", "paid")},
        "period": (day(invoice.period_start, invoice), day(invoice.period_end, invoice)),
        "tax_percent": number_format(plain(invoice.tax_percent)),
        "is_paid": invoice.state == InvoiceState.PAID,
        "is_void": invoice.state == InvoiceState.VOID,
        "is_owed": invoice.state in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE),
        "language": translation.get_language(),
        **context,
    })  # fmt: skip
