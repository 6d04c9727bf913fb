"""A clinic whose rule can be set, and a pool for the child's part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from inference.deidentification import rules
from inference.deidentification.instruction import Instruction
from inference.intake.limits import Limits
from inference.intake.pool import Pool
from inference.models import BurnedInPolicy, DeidentificationMode
from tenants.context import tenant_context
from tests.conftest import Party

SetRule = Callable[..., None]
KEYS = (b"p" * 32, b"s" * 32)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    shared = Pool(Limits(children=1))
    yield shared
    shared.close()


@pytest.fixture
def pseudonymise() -> Instruction:
    return Instruction("pseudonymise", "tenant", UUID(int=1), *KEYS)


@pytest.fixture
def anonymise() -> Instruction:
    return Instruction("anonymise", "tenant", UUID(int=1), *KEYS)


@pytest.fixture
def set_rule(clinic: Party) -> SetRule:
    """Set the clinic's rule."""

    def change(mode: str = "off", burned_in: str = "accept") -> None:
        with tenant_context(clinic.tenant.id):
            rules.change(
                clinic.tenant.id, mode=DeidentificationMode(mode), burned_in=BurnedInPolicy(burned_in), actor="test"
            )

    return change
