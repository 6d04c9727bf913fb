"""A tenant on a plan, with the plugin that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference.models import Study
from tests.conftest import Party, make_party
from tests.inference.work import echo_installed, study_of, subscribe


@pytest.fixture
def echo(db: None) -> Iterator[None]:
    with echo_installed():
        yield


@pytest.fixture
def clinic(echo: None) -> Party:
    """A tenant that may submit."""
    party = make_party("clinic")
    subscribe(party.tenant)
    return party


@pytest.fixture
def study(clinic: Party) -> Study:
    return study_of(clinic.tenant)
