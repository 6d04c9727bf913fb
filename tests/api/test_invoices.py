"""Invoices over HTTP: what is paid, credited and due, and the papers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing import clock, credit_notes, customers, cycle, payments
from billing.models import Invoice
from tenants.context import tenant_context
from tests.api.conftest import Api
from tests.billing.work import on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def invoice(alice: Party) -> Invoice:
    """Half credited, a part of the rest paid."""
    with clock.at(START):
        customer = on_plan(alice.tenant, "per-service")
        with tenant_context(alice.tenant.id):
            customers.update_details(alice.tenant.id, actor="test", tax_percent="7", tax_label="GST")
        customer.finish()
        customer.finish()
    (made,) = cycle.close_due(START + timedelta(days=40))
    with tenant_context(alice.tenant.id):
        credit_notes.issue(made, {made.lines.get().id: 500}, reason="bad pictures", actor="test")
        payments.record(made, 100, actor="test")
    return made


def test_an_invoice_tells_what_is_still_due_and_why(alice: Party, invoice: Invoice) -> None:
    api = Api(alice.token)
    (listed,) = api.get("/v1/invoices").json()["data"]
    found = api.get(f"/v1/invoices/{listed['id']}").json()
    assert found == listed
    sums = ("subtotal", "discount", "tax_percent", "tax", "total", "amount_paid", "amount_credited", "amount_due")
    assert [found[name] for name in sums] == [1000, 0, "7", 70, 1070, 100, 535, 435]
    assert found["due_at"] > found["closed_at"]
    (note,) = found["credit_notes"]
    assert (note["number"], note["net"], note["tax"], note["reason"]) == ("CN-000001", 500, 35, "bad pictures")


@pytest.mark.parametrize(("language", "word"), [("en", "Invoice"), ("zh", "发票")])
def test_the_papers_come_in_both_languages(alice: Party, invoice: Invoice, language: str, word: str) -> None:
    api = Api(alice.token)
    found = api.get("/v1/invoices").json()["data"][0]
    for address, number in ((found["pdf_url"], "INV-000001"), (found["credit_notes"][0]["pdf_url"], "CN-000001")):
        answer = api.get(f"{address.partition('8000')[2] or address}?lang={language}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
        text = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
        assert word in text
        assert number in text


def test_a_language_that_papers_do_not_speak_is_refused(alice: Party, invoice: Invoice) -> None:
    api = Api(alice.token)
    found = api.get("/v1/invoices").json()["data"][0]
    answer = api.get(f"/v1/invoices/{found['id']}/pdf?lang=fr")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
