from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants import keys
from tenants.context import operator_context, tenant_context
from tenants.errors import InvalidCredential
from tenants.models import ApiKey
from tests.conftest import Party


def test_a_token_leads_to_its_key_and_tenant(alice: Party) -> None:
    key = keys.authenticate(alice.token)
    assert key.tenant == alice.tenant


SPOILERS: list[Callable[[str], str]] = [
    lambda token: "",
    lambda token: "x.y",
    lambda token: token[:-1],
    lambda token: token + "x",
    lambda token: token.split(".")[0],
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_any_other_token_is_refused(alice: Party, spoil: Callable[[str], str]) -> None:
    with pytest.raises(InvalidCredential):
        keys.authenticate(spoil(alice.token))


def test_the_secret_is_not_stored(alice: Party) -> None:
    secret = alice.token.partition(".")[2]
    with operator_context():
        stored = ApiKey.objects.values().get(prefix=alice.token.partition(".")[0])
    assert secret not in str(stored)


def test_a_revoked_key_is_refused(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        keys.revoke(ApiKey.objects.get(), actor="test")
    with pytest.raises(InvalidCredential):
        keys.authenticate(alice.token)


def test_an_expired_key_is_refused(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(InvalidCredential):
        keys.authenticate(alice.token)


def test_last_used_is_written_at_most_once_a_minute(alice: Party) -> None:
    first = keys.authenticate(alice.token)
    with tenant_context(alice.tenant.id):
        used = ApiKey.objects.get().last_used_at
    keys.authenticate(alice.token)
    with tenant_context(alice.tenant.id):
        assert used is not None
        assert ApiKey.objects.get(pk=first.pk).last_used_at == used


def test_a_scope_that_does_not_exist_is_refused(alice: Party) -> None:
    with tenant_context(alice.tenant.id), pytest.raises(ValueError, match="unknown scope"):
        keys.issue(alice.tenant, "x", ["everything"], actor="test")
