"""A person's way through the portal, in a real browser against the real product."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from ops.samples import chest_film
from tests.product import Product, running

pytestmark = pytest.mark.browser
PASSWORD = "a long password"
SHOTS = os.environ.get("ASSAY_SCREENSHOTS", "")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
GIVE_PASSWORDS = f"""
from tenants.models import User
owner = User.objects.get(email="owner@clinic.example")
owner.set_password("{PASSWORD}"); owner.save()
User.objects.create_superuser("operator@assay.example", "{PASSWORD}")
"""


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with running() as started:
        started.customer("clinic", "team")
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


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def log_in(page: Page, email: str = "owner@clinic.example") -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()


def submit_film(page: Page, tmp_path: Path) -> None:
    """Send the real film and a file that is none, and submit the analysis."""
    junk = tmp_path / "notes.dcm"
    junk.write_text("this is no film")
    page.goto("/")
    page.set_input_files("#files", [str(chest_film()), str(junk)])
    expect(page.locator("#list li")).to_have_count(2)
    expect(page.locator("#list .stored, #list .duplicate")).to_have_count(1)
    expect(page.locator("#list .rejected")).to_contain_text("neither DICOM nor PNG")
    analysis = page.locator("[data-plugin=xray-chest-nodule]")
    expect(analysis.locator(".price")).to_contain_text("left in the plan")
    shoot(page, "submit")
    analysis.get_by_role("button").click()


def test_a_customer_goes_from_the_film_to_the_invoice(page: Page, tmp_path: Path) -> None:
    log_in(page)
    expect(page.get_by_role("heading", name="New analysis")).to_be_visible()
    submit_film(page, tmp_path)
    expect(page.locator(".findings .list li").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("note")).to_contain_text("not for clinical use")
    assert page.locator(".mark").count() == page.locator(".findings .list li").count()
    expect(page.locator(".frame img").first).to_have_js_property("complete", True)
    page.locator(".findings .list li").first.hover()
    expect(page.locator(".mark.on")).to_have_count(1)
    shoot(page, "result")
    page.get_by_role("link", name="Report").click()
    expect(page.get_by_role("heading", name="Report")).to_be_visible()
    shoot(page, "report")
    page.goto("/usage")
    expect(page.locator("tbody tr")).to_have_count(1)
    shoot(page, "usage")
    page.goto("/invoices")
    expect(page.locator("tfoot")).to_contain_text("USD")
    shoot(page, "invoices")


def test_the_portal_speaks_chinese_and_goes_dark(page: Page) -> None:
    log_in(page)
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="新建分析")).to_be_visible()
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    shoot(page, "chinese")
    page.goto("/jobs")
    shoot(page, "jobs")
    page.get_by_role("button", name="退出").click()
    expect(page).to_have_url(re.compile("/login"))


def test_a_key_is_shown_once(page: Page) -> None:
    log_in(page)
    page.goto("/keys")
    page.get_by_label("Name").fill("scanner")
    page.get_by_role("button", name="Issue").click()
    token = page.locator(".secret").inner_text()
    assert token.startswith("ak_")
    shoot(page, "keys")
    page.goto("/keys")
    expect(page.locator(".secret")).to_have_count(0)
    assert token.partition(".")[2] not in page.content()


def test_a_wrong_password_stays_outside(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill("owner@clinic.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    shoot(page, "login")


def test_the_operator_finds_tenants_jobs_and_plans_in_the_admin(page: Page) -> None:
    page.goto("/admin/")
    page.locator("[name=username]").fill("operator@assay.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[type=submit]").click()
    for path in ("tenants/tenant", "inference/job", "billing/planversion", "billing/usageevent", "tenants/auditevent"):
        page.goto(f"/admin/{path}/")
        expect(page.locator("#content-main, main, #main").first).to_be_visible()
    shoot(page, "admin")
