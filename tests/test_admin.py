"""The operator's admin: every list and page opens, and what is money or history can not be changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from billing.models import Price
from tenants.models import Tenant, TenantStatus, User
from tests.conftest import Party

EDITABLE = {"tenant", "user", "plan", "planversion", "group", "feature", "learningconsent", "privacyrule"}
ADDED_ONLY = {"coupon", "meter"}


@pytest.fixture
def operator(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator@assay.example", "a long password"))
    return client


def names() -> list[str]:
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


@pytest.mark.parametrize("name", names())
def test_every_list_opens(operator: Client, alice: Party, name: str) -> None:
    assert operator.get(reverse(f"admin:{name}_changelist")).status_code == 200


def test_the_index_opens(operator: Client) -> None:
    assert operator.get(reverse("admin:index")).status_code == 200


def test_a_tenants_page_shows_its_members(operator: Client, alice: Party) -> None:
    page = operator.get(reverse("admin:tenants_tenant_change", args=[alice.tenant.pk]))
    assert alice.owner.email in page.content.decode()


def test_money_and_history_can_not_be_changed(rf: Any, db: None) -> None:
    request = rf.get("/")
    request.user = User.objects.create_superuser("operator@assay.example", "a long password")
    for model, page in admin.site._registry.items():
        if model._meta.model_name not in EDITABLE:
            assert model._meta.model_name in ADDED_ONLY or not page.has_add_permission(request), model
            assert not page.has_change_permission(request), model
            assert not page.has_delete_permission(request), model


def test_a_customer_is_kept_out(client: Client, alice: Party) -> None:
    client.force_login(alice.owner)
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_operator_gives_a_person_a_password(operator: Client, alice: Party) -> None:
    page = reverse("admin:auth_user_password_change", args=[alice.owner.pk])
    words = {"password1": "another long one", "password2": "another long one", "usable_password": "true"}
    assert operator.post(page, words).status_code == 302
    alice.owner.refresh_from_db()
    assert alice.owner.check_password("another long one")


def test_the_operator_adds_a_person(operator: Client) -> None:
    words = {"email": "new@clinic.example", "password1": "a long password", "password2": "a long password"}
    answer = operator.post(reverse("admin:tenants_user_add"), {**words, "usable_password": "true"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert User.objects.get(email="new@clinic.example").check_password("a long password")


def suspend(client: Client, tenant: Tenant) -> str:
    words = {"action": "suspend", "_selected_action": [str(tenant.pk)]}
    client.post(reverse("admin:tenants_tenant_changelist"), words)
    tenant.refresh_from_db()
    return tenant.status


def test_who_may_only_look_operates_nothing(client: Client, alice: Party) -> None:
    looker = User.objects.create_user("looker@assay.example", "a long password", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    assert client.get(reverse("admin:tenants_tenant_changelist")).status_code == 200
    assert suspend(client, alice.tenant) == TenantStatus.ACTIVE


def test_control_who_may_change_operates(operator: Client, alice: Party) -> None:
    assert suspend(operator, alice.tenant) == TenantStatus.SUSPENDED


def test_every_action_of_ours_asks_for_a_permission(rf: Any) -> None:
    for page in admin.site._registry.values():
        for name in page.actions or ():
            assert getattr(page, name).allowed_permissions == ["operate"], (page, name)


@pytest.mark.parametrize("place", ["actions_detail", "actions_list"])
def test_every_button_of_ours_asks_for_a_permission(place: str) -> None:
    for page in admin.site._registry.values():
        for name in getattr(page, place, ()):
            assert getattr(page, name).allowed_permissions in (["operate"], ["view"]), (page, name)


def test_the_admin_looks_like_ours() -> None:
    assert "unfold" in str(get_template("admin/base.html").origin)


def test_a_price_that_can_not_be_rated_is_refused_in_the_draft() -> None:
    with pytest.raises(ValidationError, match="negative"):
        Price(model="per_unit", amount=Decimal(-500)).clean()
