"""The page of API keys: issue with a life, show once, ask before the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants import keys
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.models import ApiKey
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def shown(client: Client) -> str:
    return client.get(reverse("portal:keys")).content.decode()


def key_named(clinic: Party, name: str) -> ApiKey:
    with tenant_context(clinic.tenant.id):
        found: ApiKey = ApiKey.objects.get(name=name)
    return found


def test_a_key_is_shown_once_and_ends_with_its_button(owner: Client, clinic: Party) -> None:
    made = owner.post(reverse("portal:keys"), {"name": "scanner", "scopes": ["jobs:read", "everything"]})
    with tenant_context(clinic.tenant.id):
        key = ApiKey.objects.get(name="scanner")
    token = made.context["token"]
    assert key.scopes == ["jobs:read"]
    assert token in made.content.decode()
    assert token not in shown(owner)
    owner.post(reverse("portal:key-revoke", args=[encode("key", key.id)]))
    with tenant_context(clinic.tenant.id):
        assert not keys.is_live(ApiKey.objects.get(pk=key.pk))


def test_a_member_makes_and_ends_no_key(member: Client, clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        key = ApiKey.objects.get(name="test")
    assert member.post(reverse("portal:keys"), {"name": "mine"}).status_code == 403
    assert member.post(reverse("portal:key-revoke", args=[encode("key", key.id)])).status_code == 403


def test_revoking_asks_first_in_a_form_that_needs_no_script(owner: Client) -> None:
    page = shown(owner)
    asked = page[page.index("<details") : page.index("</details>")]
    assert asked.index("</summary>") < asked.index("<form")
    assert "can not be undone" in asked


def test_control_a_key_that_has_ended_has_nothing_to_press(owner: Client, clinic: Party) -> None:
    key = key_named(clinic, "test")
    with tenant_context(clinic.tenant.id):
        keys.revoke(key, actor="test")
    assert "<details" not in shown(owner)


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_key_ends_when_it_was_asked_to(owner: Client, clinic: Party, days: int) -> None:
    owner.post(reverse("portal:keys"), {"name": "scanner", "scopes": ["jobs:read"], "days": str(days)})
    ends = key_named(clinic, "scanner").expires_at
    assert ends is not None
    assert abs(ends - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)


def test_control_without_a_wish_it_does_not_end(owner: Client, clinic: Party) -> None:
    owner.post(reverse("portal:keys"), {"name": "scanner", "scopes": ["jobs:read"], "days": ""})
    assert key_named(clinic, "scanner").expires_at is None


@pytest.mark.parametrize("days", ["0", "-1", "36500", "soon"])
def test_a_life_that_is_not_on_offer_makes_no_key(owner: Client, clinic: Party, days: str) -> None:
    answer = owner.post(reverse("portal:keys"), {"name": "scanner", "days": days})
    assert answer.status_code == 400
    with tenant_context(clinic.tenant.id):
        assert not ApiKey.objects.filter(name="scanner").exists()


def test_the_new_key_can_be_copied(owner: Client) -> None:
    page = owner.post(reverse("portal:keys"), {"name": "scanner", "scopes": ["jobs:read"]}).content.decode()
    assert 'id="copy"' in page
    assert "portal/copy.js" in page
    assert 'id="copy"' not in shown(owner)
