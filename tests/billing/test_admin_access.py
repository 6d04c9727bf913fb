"""Who may do what in the operator's admin: every act, every page."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.billing import operators
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def answers(client: Client) -> dict[str, set[int]]:
    """How each act of billing's pages answers, to a look and to the act itself."""
    found = {}
    for model, name, on_row in operators.acts():
        path = f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}"
        place = reverse(path, args=[uuid4()]) if on_row else reverse(path)
        found[path] = {client.get(place).status_code, client.post(place, {"confirmed": "1"}).status_code}
    return found


def test_there_are_acts_to_guard() -> None:
    assert len(operators.acts()) >= 25


@pytest.mark.parametrize("person", ["looker", "staff"])
def test_who_may_not_change_is_refused_every_act(person: str) -> None:
    client = operators.looker() if person == "looker" else operators.staff()
    assert {path: codes for path, codes in answers(client).items() if codes != {403}} == {}


def test_a_customer_is_sent_to_the_log_in_by_every_act(client: Client, alice: Party) -> None:
    client.force_login(alice.owner)
    assert {path: codes for path, codes in answers(client).items() if codes != {302}} == {}


def test_control_an_operator_is_let_through_to_every_act() -> None:
    # on a row there is none of that id; a list's act shows its form, with what is missing
    assert {code for codes in answers(operators.operator()).values() for code in codes} == {404, 200}


def test_the_staff_without_a_right_sees_no_page_of_billing() -> None:
    client = operators.staff()
    pages = [reverse(f"admin:{_name(model)}_changelist") for model in admin.site._registry]
    assert {client.get(page).status_code for page in [*pages, reverse("admin:revenue")]} == {403}


def test_the_menu_leads_to_every_page_that_is_registered() -> None:
    client = operators.operator()
    page = client.get(reverse("admin:index")).content.decode()
    for model in admin.site._registry:
        assert f'href="{reverse(f"admin:{_name(model)}_changelist")}"' in page, model


def test_the_menu_shows_only_what_the_person_may_see() -> None:
    shown = operators.staff().get(reverse("admin:index")).content.decode()
    for place in ("admin:revenue", "admin:tenants_tenant_changelist", "admin:billing_invoice_changelist"):
        assert reverse(place) not in shown


def _name(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
