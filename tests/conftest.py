"""What all tests share. The database is the one of `DATABASE_URL`: the suite runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

# before Django reads its settings: tests never touch the data of an installation
os.environ["ASSAY_DATA_DIR"] = tempfile.mkdtemp(prefix="assay-test-")

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.utils import translation

from tenants import accounts, keys, rates
from tenants.context import operator_context, tenant_context
from tenants.models import Membership, Role, Tenant, User
from tenants.roles import SCOPES
from tests.emptying import empty_tables
from tests.redis_server import serving

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup", "django_db_blocker"}


@dataclass(frozen=True)
class Party:
    """One tenant with the three people of every access test and a key with all scopes."""

    tenant: Tenant
    owner: User
    member: User
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        """Keyword arguments for Django's test client."""
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token}"}


def make_party(name: str) -> Party:
    """A tenant, its owner, a plain member and an API key."""
    with operator_context():
        new = accounts.create_tenant(name, f"owner@{name}.example", actor="test")
        member = User.objects.create_user(f"member@{name}.example", "a long password")
        Membership.objects.create(tenant=new.tenant, user=member, role=Role.MEMBER)
    new.owner.set_password("a long password")
    new.owner.save()
    with tenant_context(new.tenant.id):
        issued = keys.issue(new.tenant, "test", SCOPES, actor="test")
    return Party(new.tenant, new.owner, member, issued.token)


@pytest.fixture
def alice(db: None) -> Party:
    """The tenant whose things are looked at."""
    return make_party("alice")


@pytest.fixture
def charlie(db: None) -> Party:
    """The stranger: must see nothing of Alice's."""
    return make_party("charlie")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what never asked for a database: pytest-django refuses such a test every query, so one run is enough."""
    for item in items:
        asked = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if not asked and item.get_closest_marker("django_db") is None:
            item.add_marker("database_free")


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly() -> Iterator[None]:
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", empty_tables):
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """A password's hash is slow by design, and each party of a test has three."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite's test database is a file: threads with connections of their own must meet real locks."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(Path(os.environ["ASSAY_DATA_DIR"]) / "test.sqlite3")


@pytest.fixture(autouse=True)
def _language() -> None:
    """The language of an earlier test's last request is not this test's."""
    translation.deactivate()


@pytest.fixture
def data_dir(settings: Any) -> Path:
    """The data directory of this test run."""
    return Path(settings.ASSAY_DATA_DIR)


@pytest.fixture
def redis_server(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A Redis of the test's own, in which requests are counted."""
    with serving(tmp_path) as (address, connected):
        settings.ASSAY_REDIS_URL = address
        monkeypatch.setattr(rates, "breaker", rates.Breaker())
        rates._client.cache_clear()
        yield connected
    rates._client.cache_clear()


@pytest.fixture
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is counted in the test falls into one window."""
    now = time.time()
    monkeypatch.setattr(rates, "time", SimpleNamespace(time=lambda: now, monotonic=time.monotonic))
