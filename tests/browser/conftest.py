"""The product, a browser, and a page in which nothing may fail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.portal import PASSWORD
from tests.product import Product, running

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
GIVE_PASSWORDS = f"""
from tenants.models import User
for owner in User.objects.all():
    owner.set_password("{PASSWORD}"); owner.save()
User.objects.create_superuser("operator@assay.example", "{PASSWORD}")
"""


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with running() as started:
        started.customer("clinic", "team")
        started.customer("payer", "per-service")
        started.manage("shell", "-c", GIVE_PASSWORDS)
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.skip("no Chromium here: install it (Debian and Ubuntu: sudo apt-get install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, product: Product) -> Iterator[Page]:
    """A page that fails the test on any script error and on any request that leaves our origin."""
    context = browser.new_context(base_url=product.base_url, viewport={"width": 1280, "height": 900}, locale="en-US")
    opened: Page = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    opened.on("request", lambda sent: faults.append(sent.url) if not ours(sent.url, product) else None)
    yield opened
    context.close()
    assert faults == []


def ours(url: str, product: Product) -> bool:
    return url.startswith((product.base_url, "data:", "blob:"))
