"""Invoices as PDF: what a person reads on them, in both languages."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from billing import clock, credit_notes, customers, cycle, invoices, pdf
from billing.models import CreditNote, Invoice
from tenants.context import tenant_context
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
NAME = "北京影像科技有限公司"


@pytest.fixture
def invoice(alice: Party) -> Invoice:
    """A closed invoice of a customer with a Chinese name and a tax rate."""
    with clock.at(START):
        customer = on_plan(alice.tenant, "per-service")
        with tenant_context(alice.tenant.id):
            customers.update_details(
                alice.tenant.id, actor="test", name=NAME, line1="海淀区中关村大街1号", city="北京", country="CN",
                tax_percent="6", tax_label="VAT",
            )  # fmt: skip
        for plugin in ("digits", "xray", "xray"):
            Customer(alice.tenant, plugin).finish()
        assert customer.id == alice.tenant.id
    (closed,) = cycle.close_due(FEBRUARY)
    return closed


def read(printed: bytes) -> str:
    """The text of all pages, without spaces: a PDF places glyphs, not words."""
    assert printed.startswith(b"%PDF-")
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(printed)).pages)


def print_invoice(invoice: Invoice, language: str) -> str:
    with tenant_context(invoice.tenant_id):
        return read(pdf.invoice_pdf(Invoice.objects.get(pk=invoice.pk), language))


def test_an_invoice_tells_who_what_and_how_much(invoice: Invoice) -> None:
    text = print_invoice(invoice, "en")
    for part in ("InvoiceINV-000001", "xray,completedanalyses", "10.10USD", "VAT6%", "0.61USD", "10.71USD", "Page1/1"):
        assert part in text
    assert "PAID" not in text
    assert "VOID" not in text


def test_chinese_can_be_read_back_and_comes_from_our_own_font(invoice: Invoice) -> None:
    text = print_invoice(invoice, "zh")
    for part in (NAME, "海淀区中关村大街1号", "发票", "小计", "合计", "10.71USD"):
        assert part in text
    with tenant_context(invoice.tenant_id):
        page = PdfReader(BytesIO(pdf.invoice_pdf(invoice, "zh"))).pages[0]
    fonts = {str(font.get_object()["/BaseFont"]) for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]
    assert {name.split("+")[1].split("-")[0] for name in fonts} == {"Paper"}


def test_a_paid_invoice_says_so(invoice: Invoice) -> None:
    with tenant_context(invoice.tenant_id):
        invoices.mark_paid(invoice, actor="test")
    assert "PAID" in print_invoice(invoice, "en")


def test_a_void_invoice_says_so(invoice: Invoice) -> None:
    with tenant_context(invoice.tenant_id):
        invoices.void(invoice, reason="test", actor="test")
    assert "VOID" in print_invoice(invoice, "en")


def test_a_credit_note_names_its_invoice_and_why(invoice: Invoice) -> None:
    with tenant_context(invoice.tenant_id):
        note: CreditNote = credit_notes.issue(invoice, None, reason="图像质量问题", actor="test")
        text = read(pdf.credit_note_pdf(note, "zh"))
    for part in ("CN-000001", "INV-000001", "图像质量问题", NAME, "10.71USD"):
        assert part in text


def test_what_a_customer_is_called_is_text_and_nothing_is_fetched_for_it(invoice: Invoice) -> None:
    invoice.billed_to["name"] = '<img src="http://127.0.0.1:9/x"><b>Bold</b>'
    with tenant_context(invoice.tenant_id):
        assert '<imgsrc="http://127.0.0.1:9/x"><b>Bold</b>' in read(pdf.invoice_pdf(invoice, "en"))


def test_only_printing_loads_the_libraries_of_the_machine() -> None:
    code = "import sys, django; django.setup(); import config.urls; sys.exit('weasyprint' in sys.modules)"
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(ROOT / 'platform')!r}, {str(ROOT)!r}]; {code}"]
    assert subprocess.run(command, cwd=ROOT).returncode == 0
