"""A customer's way with money through the portal, in a real browser against the real product."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.portal import log_in, shoot, submit_film
from tests.product import Product

pytestmark = pytest.mark.browser
PAYER, DEBTOR = "owner@payer.example", "owner@debtor.example"


def test_a_plan_is_changed_after_a_look_at_the_figures(page: Page) -> None:
    log_in(page)
    page.goto("/plans")
    page.get_by_role("link", name="Change to Per service").click()
    expect(page.get_by_role("heading", name="Change to Per service")).to_be_visible()
    expect(page.locator(".sum .total").last).to_have_text(re.compile(r"−\d+\.\d\d USD"))
    shoot(page, "plan-change")
    page.get_by_role("link", name="When the period ends").click()
    page.get_by_role("button", name="Change when the period ends").click()
    expect(page.get_by_role("alert").first).to_contain_text("will change when the period ends")
    page.get_by_role("button", name="Stay on the present plan").click()
    page.get_by_role("link", name="Change to Per service").click()
    page.get_by_role("button", name="Change now").click()
    expect(page.locator(".present .figure")).to_contain_text("Per service")
    shoot(page, "plans")


def test_credits_are_bought_and_burn(page: Page) -> None:
    log_in(page, PAYER)
    page.goto("/credits")
    page.get_by_label("Amount in USD").fill("25")
    page.get_by_role("button", name="See the price").click()
    expect(page.locator(".sum .total").last).to_have_text("25.00 USD")
    shoot(page, "credits-buy")
    page.get_by_role("button", name="Buy and pay").click()
    expect(page).to_have_url(re.compile("/pay/"))
    shoot(page, "pay")
    page.get_by_role("button", name="Play the payment").click()
    page.goto("/credits")
    expect(page.locator(".figure")).to_have_text("25.00 USD")
    submit_film(page)
    expect(page.locator(".findings .list li").first).to_be_visible(timeout=60_000)
    page.goto("/credits")
    expect(page.locator(".figure")).to_have_text("20.00 USD")
    expect(page.locator("tbody tr")).to_have_count(2)
    shoot(page, "credits")
    page.goto("/usage")
    expect(page.locator("#live")).to_contain_text("5.00 USD of it paid from credits")


def test_a_hard_cap_refuses_with_its_sentence(page: Page) -> None:
    log_in(page, PAYER)
    page.goto("/billing")
    page.get_by_label("Hard cap in USD").fill("1")
    page.get_by_role("button", name="Set the caps").click()
    expect(page.get_by_role("alert").first).to_contain_text("caps are set")
    shoot(page, "billing")
    # the credits are burned first; the cap is about what comes after them
    for _ in range(4):
        submit_film(page)
        expect(page).to_have_url(re.compile("/jobs/job_"), timeout=15_000)
        # a job's page loads itself anew at the job's end: nobody goes elsewhere at that moment
        expect(page.locator(".findings .list li").first).to_be_visible(timeout=60_000)
    submit_film(page)
    expect(page.locator("#problem")).to_contain_text("spending")
    expect(page.locator("#problem")).to_contain_text("1.00 USD")
    shoot(page, "cap")


def test_the_page_of_usage_keeps_itself_up_to_date(page: Page) -> None:
    log_in(page, PAYER)
    page.clock.install()
    page.goto("/usage")
    page.evaluate("document.querySelector('#live .figure').textContent = 'old'")
    with page.expect_response("**/usage/live"):
        page.clock.run_for(16_000)
    expect(page.locator("#live .figure").first).to_contain_text("USD")
    page.context.clear_cookies()
    page.clock.run_for(16_000)
    expect(page.locator("#stopped")).to_be_visible()


def test_an_invoice_is_paid_on_our_own_page(page: Page, product: Product) -> None:
    # the clock has no way back: the last test of the file
    product.manage("billing", "advance", "--to", f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}")
    log_in(page, DEBTOR)
    page.goto("/invoices")
    page.get_by_role("link", name=re.compile("INV-")).last.click()
    expect(page.locator("h1 .state")).to_have_text("Open")
    shoot(page, "invoice")
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("button", name="Play the payment").click()
    page.goto("/invoices")
    page.get_by_role("link", name=re.compile("INV-")).last.click()
    expect(page.locator("h1 .state")).to_have_text("Paid")
    expect(page.get_by_role("heading", name="Payments")).to_be_visible()
    shoot(page, "invoice-paid")
