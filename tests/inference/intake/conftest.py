"""Pools that all intake tests share, and the real files that come with packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import data_store  # type: ignore[import-untyped]
import pydicom.data
import pytest

from inference.intake.limits import Limits
from inference.intake.pool import Pool

HOOKS = "tests.inference.intake.hooks"
LARGE_FILES = Path(data_store.__file__).parent


def small(name: str) -> Path:
    """A file of pydicom's own test data."""
    found = pydicom.data.get_testdata_file(name, download=False)
    assert isinstance(found, str), f"{name} does not come with pydicom"
    return Path(found)


def large(name: str) -> Path:
    """A file of the package pydicom-data."""
    return next(LARGE_FILES.rglob(name))


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """A pool as the product has it."""
    shared = Pool(Limits(children=1))
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def hooked() -> Iterator[Pool]:
    """A pool with small limits whose children know the tasks of `hooks`."""
    shared = Pool(Limits(children=1, wall_seconds=2, cpu_seconds=2), HOOKS)
    yield shared
    shared.close()
