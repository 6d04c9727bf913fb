"""Who may look at money, and who may change what is paid."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tenants.context import tenant_context
from tenants.ids import encode
from tests.portal.money import House, logged_in

pytestmark = pytest.mark.django_db
PAGES = ("usage", "usage-live", "usage-export", "invoices", "invoices-export", "credits", "credits-export",
         "credits-used-export", "billing")  # fmt: skip
ACTIONS = ("plan-change", "plan-subscribe", "subscription", "add-on", "coupon", "caps", "payment-method",
           "provider-portal", "credits-pay", "billing")  # fmt: skip
PAYERS = ("owner", "admin", "billing")


@pytest.mark.parametrize("role", PAYERS)
def test_who_pays_opens_every_page_about_money(house: House, role: str) -> None:
    client = house.client(role)
    for name in PAGES:
        assert client.get(reverse(f"portal:{name}")).status_code == 200, name
    assert client.get(reverse("portal:plan-change") + "?plan=per-service").status_code == 200


def test_a_member_looks_at_the_plans_without_a_button_and_opens_nothing_else(house: House) -> None:
    member = house.client("member")
    page = member.get(reverse("portal:plans")).content.decode()
    assert "Team" in page
    assert "can change the plan" in page
    assert "End the plan" not in page
    for name in PAGES:
        assert member.get(reverse(f"portal:{name}")).status_code == 403, name


def test_a_member_changes_nothing(house: House) -> None:
    member = house.client("member")
    before = house.subscription.plan_version_id
    for name in ACTIONS:
        assert member.post(reverse(f"portal:{name}"), {"plan": "per-service", "when": "now"}).status_code == 403, name
    assert house.subscription.plan_version_id == before


@pytest.mark.parametrize("role", PAYERS)
def test_control_who_pays_changes_the_plan(house: House, role: str) -> None:
    house.client(role).post(reverse("portal:plan-change"), {"plan": "per-service", "when": "now"})
    assert house.subscription.plan_version.plan.slug == "per-service"


def test_a_press_without_the_forms_token_changes_nothing(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.people["owner"])
    for name in ACTIONS:
        assert client.post(reverse(f"portal:{name}"), {"plan": "per-service", "when": "now"}).status_code == 403, name
    assert house.subscription.plan_version.plan.slug == "team"


def test_a_strangers_invoice_does_not_exist_in_any_of_its_forms(house: House) -> None:
    house.work(3)
    invoice = house.close_period()
    identity = encode("inv", invoice.id)
    stranger = logged_in(house.stranger.owner, house.stranger.tenant)
    owner = house.client("owner")
    for name, rest in (("invoice", []), ("invoice-line", [2]), ("invoice-lines-export", []),
                       ("invoice-usage-export", []), ("invoice-pdf", ["en"])):  # fmt: skip
        path = reverse(f"portal:{name}", args=[identity, *rest])
        assert stranger.get(path).status_code == 404, name
        assert owner.get(path).status_code == 200, name
    assert stranger.post(reverse("portal:invoice-pay", args=[identity])).status_code == 404
    with tenant_context(house.id):
        invoice.refresh_from_db()
    assert invoice.state == "open"
