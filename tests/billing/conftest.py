"""What a race is without its locks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import connection

from tenants.querysets import TenantQuerySet


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take row locks away, and let all threads read before the first one writes."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time: there is no race to show")

    def without(module: Any, writer: str, parties: int, *others: tuple[Any, str]) -> None:
        monkeypatch.setattr(TenantQuerySet, "select_for_update", lambda self, *_, **__: self.all())
        all_have_read = Barrier(parties)
        for place, name in ((module, writer), *others):
            monkeypatch.setattr(place, name, waiting(all_have_read, getattr(place, name)))

    return without


def waiting(all_have_read: Barrier, write: Callable[..., Any]) -> Callable[..., Any]:
    def wait_and_write(*arguments: Any, **named: Any) -> Any:
        with suppress(BrokenBarrierError):
            all_have_read.wait(timeout=20)
        return write(*arguments, **named)

    return wait_and_write
