"""A person's way through the portal, in a real browser against the real product."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Request, expect

from ops.samples import chest_film
from tests.browser.portal import PASSWORD, log_in, shoot
from tests.inference.intake import files
from tests.product import Product

pytestmark = pytest.mark.browser
PAGES = [
    "/", "/jobs", "/usage", "/invoices", "/plans", "/plans/change?plan=per-service", "/credits",
    "/credits/buy?amount=5", "/billing", "/keys", "/password", "/nothing",
]  # fmt: skip
MAKE_WAITING = """
from datetime import timedelta
from django.utils import timezone
from inference.models import Job
from tenants.context import operator_context
from tenants.ids import encode
from tenants.models import Tenant
with operator_context():
    job = Job.objects.create(
        tenant=Tenant.objects.get(name="clinic"), plugin="digits", plugin_version="0", bucket="nobody's", unit="image",
        quantity=1, amount=0, currency="usd", available_at=timezone.now() + timedelta(days=1),
    )
print(encode("job", job.id))
"""


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
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    shoot(page, "report")
    page.goto("/usage")
    expect(page.locator("section.card tbody tr")).to_have_count(1)
    expect(page.locator("div.card tbody tr")).to_have_count(1)
    shoot(page, "usage")
    page.goto("/invoices")
    expect(page.locator("tfoot")).to_contain_text("USD")
    shoot(page, "invoices")


def give(page: Page, *named: tuple[str, bytes]) -> None:
    """Choose files on the page of a new analysis."""
    page.goto("/")
    chosen = [FilePayload(name=name, mimeType="application/octet-stream", buffer=content) for name, content in named]
    page.set_input_files("#files", chosen)


def offered(page: Page) -> Locator:
    """The button of the analysis of films."""
    return page.locator("[data-plugin=xray-chest-nodule] button")


def jobs_of(page: Page) -> set[str]:
    return {job["id"] for job in page.request.get("/v1/jobs?limit=100").json()["data"]}


def test_two_clicks_are_one_job(page: Page) -> None:
    log_in(page)
    give(page, ("film.dcm", chest_film().read_bytes()))
    expect(offered(page)).to_be_enabled()
    before, keys = jobs_of(page), []
    page.on("request", lambda sent: keys.append(sent.headers.get("idempotency-key")) if is_submit(sent) else None)
    # an answer without content: the browser stays where it is, as it does while the job's page is under way
    page.route("**/jobs/job_*", lambda route: route.fulfill(status=204))
    with page.expect_response(lambda answer: is_submit(answer.request)):
        # the second call goes past the disabled button, as a click does that was faster than the page
        offered(page).evaluate("button => { button.onclick(); button.onclick(); button.click(); }")
    page.wait_for_load_state("networkidle")
    assert len(jobs_of(page) - before) == 1
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert keys[0]
    expect(offered(page)).to_be_disabled()


def is_submit(sent: Request) -> bool:
    return sent.method == "POST" and sent.url.endswith("/v1/jobs")


def test_a_refused_job_can_be_tried_again(page: Page) -> None:
    log_in(page)
    give(page, ("film.dcm", chest_film().read_bytes()))
    page.route("**/v1/jobs", lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"))
    offered(page).click()
    expect(page.locator("#problem")).to_contain_text("no clear answer")
    expect(offered(page)).to_be_enabled()


def test_a_zip_is_told_file_by_file(page: Page) -> None:
    log_in(page)
    letter = ("README.docx", files.archive(("word/document.xml", b"<w/>")))
    give(page, ("cd.zip", files.archive(letter, ("film.dcm", chest_film().read_bytes()))))
    rows = page.locator("#list li")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="cd.zip/README.docx").locator(".rejected")).to_contain_text("an archive itself")
    expect(rows.filter(has_text="cd.zip/film.dcm").locator(".stored, .duplicate")).to_have_count(1)
    expect(page.locator("#count")).to_be_hidden()


def test_the_reasons_of_a_refused_zip_stand_at_its_files_and_many_are_counted(page: Page) -> None:
    log_in(page)
    texts = [(f"{number}.txt", b"no film") for number in range(8)]
    give(page, ("texts.zip", files.archive(*texts)), ("empty.dcm", b""))
    expect(page.locator("#list li")).to_have_count(9)
    expect(page.locator("#list li").filter(has_text="texts.zip/7.txt")).to_contain_text("neither DICOM")
    expect(page.locator("#list li").filter(has_text="empty.dcm")).to_contain_text("is empty")
    expect(page.locator("#count")).to_have_text("9 rejected")


def test_a_page_of_a_proxy_is_no_answer(page: Page) -> None:
    log_in(page)
    page.route("**/v1/studies", lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"))
    give(page, ("film.dcm", b"film"))
    expect(page.locator("#problem")).to_contain_text("no clear answer")
    expect(page.locator("#list .rejected")).to_have_text("not taken")
    expect(page.locator("#progress")).to_be_hidden()


def test_a_lost_session_asks_to_log_in_again(page: Page) -> None:
    log_in(page)
    page.goto("/")
    page.context.clear_cookies()
    page.set_input_files("#files", [str(chest_film())])
    expect(page.locator("#problem")).to_contain_text("no longer logged in")
    page.get_by_role("link", name="Log in again").click()
    expect(page).to_have_url(re.compile("/login"))


@pytest.mark.parametrize(("used", "is_spent"), [("9", False), ("10", True)])
def test_a_plan_with_nothing_left_offers_the_plans(page: Page, used: str, is_spent: bool) -> None:
    quota = {"meter": "m", "limit": "10", "used": used, "reserved": "0", "hard": True}
    quote = {"unit": "image", "quantity": "1", "amount": 100, "currency": "usd"}
    log_in(page)
    page.route("**/v1/jobs/estimate", lambda route: route.fulfill(json={"quote": quote, "quota": [quota]}))
    give(page, ("film.dcm", chest_film().read_bytes()))
    price = page.locator("[data-plugin=xray-chest-nodule] .price")
    expect(price).to_contain_text("nothing left" if is_spent else "1 left in the plan")
    expect(price.get_by_role("link", name="Plans")).to_have_count(int(is_spent))
    expect(offered(page)).to_be_enabled(enabled=not is_spent)


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


def test_a_key_is_copied_and_ends_only_after_a_question(page: Page) -> None:
    log_in(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/keys")
    page.get_by_label("Name").fill("to be ended")
    page.get_by_label("Expires").select_option("90")
    page.get_by_role("button", name="Issue").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator(".secret").inner_text()
    row = page.locator("tr", has_text="to be ended")
    row.locator("summary").click()
    shoot(page, "revoke")
    row.get_by_role("button", name="Revoke for good").click()
    expect(page.locator("tr", has_text="to be ended")).to_contain_text("ended")


def test_without_a_clipboard_the_key_is_selected(page: Page) -> None:
    log_in(page)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.add_init_script("document.execCommand = () => false")
    page.goto("/keys")
    page.get_by_label("Name").fill("by hand")
    page.get_by_role("button", name="Issue").click()
    page.locator("#copy").click()
    expect(page.locator("#copy")).to_contain_text("Selected")
    assert page.evaluate("getSelection().toString()") == page.locator(".secret").inner_text()


@pytest.fixture
def waiting_job(page: Page, product: Product) -> str:
    """The path of a job that nobody takes up."""
    log_in(page)
    page.goto("/")
    return "/jobs/" + product.manage("shell", "-v", "0", "-c", MAKE_WAITING).strip().splitlines()[-1]


def answering(page: Page, *answers: tuple[int, dict[str, Any]]) -> list[str]:
    """Answer what the job's page asks, the last answer for ever; the questions so far."""
    asked: list[str] = []

    def fulfil(route: Any) -> None:
        status, body = answers[min(len(asked), len(answers) - 1)]
        asked.append(route.request.url)
        route.fulfill(status=status, json=body, headers={"ETag": f'"{len(asked)}"'})

    page.route("**/v1/jobs/*", fulfil)
    return asked


def test_the_page_of_a_job_tells_its_new_state(page: Page, waiting_job: str) -> None:
    answering(page, (200, {"state": "running", "progress": {"fraction": 0.4}}))
    page.goto(waiting_job)
    expect(page.locator("#state")).to_have_text("Running")
    expect(page.locator("#position")).to_be_hidden()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_page_of_a_job_stops_asking_where_it_may_not(page: Page, waiting_job: str, status: int) -> None:
    asked = answering(page, (status, {}))
    page.goto(waiting_job)
    expect(page.locator("#stopped")).to_be_visible()
    page.wait_for_timeout(2_000)
    assert len(asked) == 1
    shoot(page, "stopped")


def test_a_server_in_trouble_is_asked_less_and_less(page: Page, waiting_job: str) -> None:
    asked = answering(page, (503, {}))
    page.goto(waiting_job)
    page.wait_for_timeout(4_000)
    assert 2 <= len(asked) <= 4
    expect(page.locator("#stopped")).to_be_hidden()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(page: Page, path: str) -> None:
    log_in(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for button in page.locator("main button, main summary").all():
        box = button.bounding_box()
        assert box is None or box["x"] + box["width"] <= 390


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
