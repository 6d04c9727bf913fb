"""The page of figures: who sees it, what it says, and the file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from billing import clock, cycle
from tests.billing import operators
from tests.billing.work import make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
MAY, JUNE = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 2, tzinfo=UTC)


@pytest.fixture
def business(alice: Party) -> Party:
    """A customer of a plan with a fee of 50.00 who has done work for 0.30 in May."""
    make_plan("fifty", fee="5000")
    with clock.at(MAY):
        customer = on_plan(alice.tenant, "fifty")
        customer.finish(3)
    cycle.advance(JUNE)
    return alice


def page(client: Client, **words: str) -> str:
    with clock.at(JUNE):
        answer = client.get(reverse("admin:revenue"), {"month": "2027-05", **words})
    assert answer.status_code == 200
    return answer.content.decode().replace("\u00a0", " ")


@pytest.mark.usefixtures("business")
def test_who_may_read_the_books_sees_the_figures() -> None:
    shown = page(operators.looker())
    assert "50.00 USD" in shown
    assert "600.00 USD" in shown
    assert "0.30 USD" in shown
    assert "alice" in shown


def test_the_staff_without_a_right_is_refused() -> None:
    assert operators.staff().get(reverse("admin:revenue")).status_code == 403


def test_a_customer_is_sent_to_the_log_in(client: Client, alice: Party) -> None:
    client.force_login(alice.owner)
    assert client.get(reverse("admin:revenue")).status_code == 302


def test_books_without_an_entry_say_so() -> None:
    assert "nothing in the books yet" in page(operators.looker())


@pytest.mark.parametrize("month", ["2027-13", "0001-01", "9999-12", "x"])
def test_what_is_no_month_is_the_present_one(month: str) -> None:
    answer = operators.looker().get(reverse("admin:revenue"), {"month": month})
    assert answer.status_code == 200
    assert answer.context["month"].day == 1


@pytest.mark.usefixtures("business")
def test_the_file_has_a_line_for_each_figure() -> None:
    rows = list(csv.DictReader(StringIO(page(operators.looker(), format="csv"))))
    found = {(row["figure"], row["of"]): row["amount"] for row in rows}
    assert found["mrr", ""] == "5000"
    assert found["arr", ""] == "60000"
    assert found["usage revenue", "xray"] == "30"
    assert found["compute cost", "xray"] == "unknown"
    assert {row["month"] for row in rows} == {"2027-05"}


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "-1+1", "@SUM(1)", "+1"])
def test_a_name_that_looks_like_a_formula_is_told_as_text(business: Party, name: str) -> None:
    business.tenant.name = name
    business.tenant.save()
    assert f"'{name}" in page(operators.looker(), format="csv")
