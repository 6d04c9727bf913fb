"""A person changes the own password."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.test import Client
from django.urls import reverse

from config import settings as product
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent, Membership
from tests.conftest import Party
from tests.portal.conftest import at_portal

pytestmark = pytest.mark.django_db
PAGE = "portal:password"
NEW = "another long one"


def change(client: Client, old: str = "a long password", new: str = NEW, again: str = NEW) -> tuple[int, str]:
    answer = client.post(reverse(PAGE), {"old_password": old, "new_password1": new, "new_password2": again})
    return answer.status_code, answer.content.decode()


def opens(clinic: Party, password: str) -> bool:
    clinic.owner.refresh_from_db()
    return clinic.owner.check_password(password)


def test_the_header_names_the_person_and_leads_to_the_page(owner: Client, clinic: Party) -> None:
    page = owner.get("/").content.decode()
    assert f'href="{reverse(PAGE)}"' in page
    assert clinic.owner.email in page


def test_the_page_has_the_menu_of_the_organisation_and_speaks_chinese(owner: Client) -> None:
    page = owner.get(reverse(PAGE), headers={"Accept-Language": "zh-Hans"}).content.decode()
    for text in ("修改密码", "当前密码", reverse("portal:keys")):
        assert text in page


def test_a_person_of_no_organisation_has_a_password_too(clinic: Party) -> None:
    with operator_context():
        Membership.objects.all().delete()
    assert change(at_portal(clinic.owner))[0] == 302
    assert opens(clinic, NEW)


def test_nobody_is_sent_to_the_login(client: Client) -> None:
    assert client.get(reverse(PAGE))["Location"] == f"/login?next={reverse(PAGE)}"


def test_the_new_password_counts_at_once_and_ends_other_sessions(clinic: Party) -> None:
    here, elsewhere = at_portal(clinic.owner), at_portal(clinic.owner)
    assert change(here)[0] == 302
    assert opens(clinic, NEW)
    assert "Your password is changed." in here.get("/").content.decode()
    assert elsewhere.get("/").status_code == 302
    with tenant_context(clinic.tenant.id):
        assert AuditEvent.objects.filter(action="user.password_changed", actor=f"user:{clinic.owner.pk}").exists()


@pytest.mark.parametrize(
    "words", [{"old": "wrong"}, {"again": "something else"}, {"new": "password", "again": "password"}]
)
def test_what_does_not_fit_is_told_and_changes_nothing(owner: Client, clinic: Party, words: dict[str, str]) -> None:
    status, page = change(owner, **words)
    assert (status, page.count('role="alert"')) == (200, 1)
    assert opens(clinic, "a long password")


def test_guesses_of_the_old_one_are_braked(
    owner: Client, clinic: Party, redis_server: redis.Redis, one_window: None
) -> None:
    for _ in range(10):
        change(owner, old="wrong")
    status, page = change(owner)
    assert (status, page.count('role="alert"')) == (429, 1)
    assert opens(clinic, "a long password")


def test_control_after_a_few_wrong_ones_the_right_one_counts(
    owner: Client, clinic: Party, redis_server: redis.Redis, one_window: None
) -> None:
    for _ in range(9):
        change(owner, old="wrong")
    change(owner)
    assert opens(clinic, NEW)


def test_a_new_password_is_stored_as_argon2(clinic: Party, settings: Any) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    assert clinic.owner.password.startswith("md5$"), "the suite's own parties have cheap passwords"
    clinic.owner.set_password("a long password")
    clinic.owner.save()
    assert change(at_portal(clinic.owner))[0] == 302
    assert opens(clinic, NEW)
    assert clinic.owner.password.startswith("argon2$argon2id$")
