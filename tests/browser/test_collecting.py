"""A customer's way through the payment provider's pages, played by the fake that `up --with-fake-stripe` runs."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import GIVE_PASSWORDS
from tests.browser.portal import log_in, shoot
from tests.product import Product, running
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
OWNER = "owner@clinic.example"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running("--with-fake-stripe", "--fake-stripe-port", str(port)) as started:
        started.customer("clinic", "per-service")
        started.manage("shell", "-c", GIVE_PASSWORDS)
        yield started


@pytest.fixture
def page(browser: Any, product: Product) -> Iterator[Page]:
    """A page that may go to the provider's."""
    context = browser.new_context(base_url=product.base_url, locale="en-US")
    opened: Page = context.new_page()
    opened.on("dialog", lambda asked: asked.accept())
    log_in(opened, OWNER)
    yield opened
    context.close()


def pay(page: Page) -> None:
    """On the provider's page, which says that it is none."""
    expect(page.get_by_role("status")).to_contain_text("TEST: this is not Stripe")
    page.get_by_role("button", name="Pay", exact=True).click()


def await_text(page: Page, path: str, text: str) -> None:
    """Open the page until it says so: the provider's word comes by a webhook, and is acted on by the sweeper."""

    def said() -> bool:
        page.goto(path)
        return text in page.get_by_role("main").inner_text()

    wait_until(said, f"{path} says {text}", patience=40)


def test_every_page_says_that_no_money_moves(page: Page) -> None:
    expect(page.get_by_text("TEST: no card is charged, no money moves.")).to_be_visible()


def test_credits_are_bought_and_a_card_is_left_at_the_providers_pages(page: Page) -> None:
    page.goto("/credits")
    page.get_by_label("Amount in USD").fill("25")
    page.get_by_role("button", name="See the price").click()
    page.get_by_role("button", name="Buy and pay").click()
    pay(page)
    expect(page).to_have_url(re.compile("/credits"))
    await_text(page, "/credits", "25.00 USD")
    page.goto("/billing")
    page.get_by_role("button", name="Leave a payment method").click()
    pay(page)
    await_text(page, "/billing", "visa 4242")
    page.get_by_role("button", name="Cards and receipts").click()
    expect(page.get_by_role("heading", name="Your subscriptions")).to_be_visible()
    shoot(page, "provider-portal")
    page.get_by_role("button", name="Change payment method").click()
    expect(page).to_have_url(re.compile("/billing"))


def test_a_plan_is_taken_at_the_providers_page(page: Page) -> None:
    page.goto("/plans")
    page.get_by_text("End the plan").first.click()
    page.get_by_role("button", name="Now").click()
    page.goto("/plans/subscribe?plan=team")
    page.get_by_role("button", name="Take this plan").click()
    pay(page)
    await_text(page, "/plans", "Your plan")
    expect(page.locator(".present")).to_contain_text("Team")
