"""A reviewer's way through a result, in a real browser: reject, resize, add, sign."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.portal import log_in, shoot, submit_film

pytestmark = pytest.mark.browser


@pytest.fixture
def result(page: Page) -> Page:
    """The page of a finished analysis of the real film."""
    log_in(page)
    submit_film(page)
    expect(page.locator(".findings .list li").first).to_be_visible(timeout=120_000)
    return page


def box_of(form: Locator) -> list[float]:
    """Left, top, right and bottom, as the form would send them."""
    return [float(form.locator(f"[name={side}]").input_value()) for side in ("left", "top", "right", "bottom")]


def drag(page: Page, start: Locator, dx: float, dy: float) -> None:
    """Take a part of the drawing by its middle, once it lies still, and let it go elsewhere."""
    start.hover()
    at = start.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def test_a_reviewer_rejects_resizes_adds_and_signs(result: Page) -> None:
    page = result
    first = page.locator(".findings .list li").first
    expect(first).to_contain_text("not reviewed")
    shoot(page, "review-open")

    first.get_by_text("Edit", exact=True).click()
    form = first.locator("form.draw")
    before = box_of(form)
    drag(page, page.locator(".drawn .grip.se"), 30, 20)
    resized = box_of(form)
    assert resized[:2] == [round(side) for side in before[:2]]
    assert resized[2] > before[2]
    assert resized[3] > before[3]
    drag(page, page.locator(".drawn .area"), -25, 0)
    assert box_of(form)[0] < resized[0]
    assert box_of(form)[2] - box_of(form)[0] == pytest.approx(resized[2] - resized[0], abs=1)
    keyed = box_of(form)
    page.locator(".drawn").press("ArrowDown")
    page.locator(".drawn").press("Shift+ArrowRight")
    page.locator(".drawn").press("+")
    left, top, right, bottom = keyed
    assert box_of(form) == [left + 9, top, right + 11, bottom + 2]
    shoot(page, "review-edit")
    form.get_by_role("button", name="Save the edit").click()
    expect(first.locator(".state")).to_have_text("edited")
    expect(page.locator(".mark.edited rect")).to_have_attribute("x", f"{left + 9:.1f}")

    page.get_by_text("Add a finding").click()
    adding = page.locator(".adding form")
    picture = page.locator("svg.drawing")
    frame = picture.bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 0.6 * frame["width"], frame["y"] + 0.3 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.65 * frame["width"], frame["y"] + 0.36 * frame["height"])
    page.mouse.up()
    adding.get_by_label("Type").select_option("opacity.mass")
    shoot(page, "review-add")
    adding.get_by_role("button", name="Add the finding").click()
    added = page.locator(".findings .list li.added")
    expect(added.locator(".state")).to_have_text("added by a person")
    expect(added).to_contain_text("Mass")

    first.get_by_text("Reject", exact=True).click()
    first.get_by_label("Why this is no finding").fill("crossing ribs")
    first.get_by_role("button", name="Reject the finding").click()
    expect(first).to_contain_text("Reason: crossing ribs")

    while page.get_by_role("button", name="Accept", exact=True).count() and page.locator("li.unreviewed").count():
        left_over = page.locator("li.unreviewed")
        number = left_over.count()
        left_over.first.get_by_role("button", name="Accept", exact=True).click()
        expect(left_over).to_have_count(number - 1)
    page.get_by_label("Conclusion").fill("One mass on the left.\nFollow-up in three months.")
    page.get_by_role("button", name="Save the conclusion").click()
    page.get_by_label("Your name").fill("Dr. Meredith Grey")
    page.get_by_label("I have looked at the images").check()
    shoot(page, "review-sign")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator(".signing")).to_contain_text("by Dr. Meredith Grey")
    expect(page.locator(".acts")).to_have_count(0)
    page.get_by_label("Addendum").fill("Compared with the film of last year.")
    page.get_by_role("button", name="Append").click()
    expect(page.locator(".addendum")).to_contain_text("Compared with the film")
    shoot(page, "review-signed")


def test_a_box_is_drawn_by_keys_alone(result: Page) -> None:
    page = result
    summary = page.get_by_text("Add a finding")
    summary.focus()
    summary.press("Enter")
    drawing = page.locator(".drawn")
    expect(drawing).to_be_focused()
    form = page.locator(".adding form")
    left, top, right, bottom = box_of(form)
    for _ in range(3):
        drawing.press("ArrowLeft")
    drawing.press("-")
    assert box_of(form) == [left - 2, top + 1, right - 4, bottom - 1]
    drawing.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".findings .list li.added")).to_be_visible()


def test_the_box_stops_at_the_border(result: Page) -> None:
    page = result
    page.get_by_text("Add a finding").click()
    form = page.locator(".adding form")
    drag(page, page.locator(".drawn .area"), -5000, -5000)
    left, top, right, bottom = box_of(form)
    assert (left, top) == (0, 0)
    assert right > 0
    assert bottom > 0
    assert re.fullmatch(r"\d+", form.locator("[name=right]").input_value())
