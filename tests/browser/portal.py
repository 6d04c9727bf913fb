"""What tests in a browser share: who logs in, and a picture on request."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from ops.samples import chest_film

PASSWORD = "a long password"
SHOTS = os.environ.get("ASSAY_SCREENSHOTS", "")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def log_in(page: Page, email: str = "owner@clinic.example") -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()


def submit_film(page: Page) -> None:
    """Send the real film and submit its analysis."""
    page.goto("/")
    page.set_input_files("#files", [str(chest_film())])
    button = page.locator("[data-plugin=xray-chest-nodule]").get_by_role("button")
    expect(button).to_be_enabled()
    button.click()
