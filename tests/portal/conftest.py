"""A clinic with a plan, and its people at the portal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from tenants.models import User
from tests.conftest import Party, make_party
from tests.inference.work import echo_installed, subscribe
from tests.portal.money import House, make_house


@pytest.fixture
def clinic(db: None) -> Iterator[Party]:
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


def at_portal(user: User) -> Client:
    """A browser in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner(clinic: Party) -> Client:
    return at_portal(clinic.owner)


@pytest.fixture
def member(clinic: Party) -> Client:
    return at_portal(clinic.member)


@pytest.fixture
def house(db: None) -> House:
    """A tenant on the team plan with a person of each role, and a stranger; nobody types a password."""
    return make_house()
