"""One running product for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.product import Product, running


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def client(product: Product) -> Iterator[httpx.Client]:
    """A customer's client."""
    with product.client(product.customer("clinic", "pay-per-use")["api_key"]) as opened:
        yield opened
