"""One server for each test; a request that Stripe does not know fails the test that sent it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.shop import NOON, Shop, client_of, open_shop
from tests.fakes.stripe import StripeServer


@pytest.fixture
def loose() -> Iterator[StripeServer]:
    """A server whose test looks at the violations itself."""
    with StripeServer(now=NOON) as server:
        yield server


@pytest.fixture
def server(loose: StripeServer) -> Iterator[StripeServer]:
    yield loose
    loose.assert_clean()
    assert loose.ignored == []


@pytest.fixture
def client(server: StripeServer) -> Any:
    return client_of(server)


@pytest.fixture
def shop(client: Any) -> Shop:
    return open_shop(client)
