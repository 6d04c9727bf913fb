"""What the pages say about money is what the ledger says."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from billing import clock, customers, ledger
from billing.models import Account, Alert, UsageEvent
from inference.models import Job
from portal.templatetags.portal_format import money
from tenants.context import tenant_context
from tenants.ids import encode
from tests.portal.money import USD, House, downloaded, text_of, told

pytestmark = pytest.mark.django_db
TEAM_INCLUDES, BEYOND, FEE = 100, 300, 19900


@pytest.fixture
def busy(house: House) -> House:
    """103 analyses, three of them beyond the quota, the first of which was paid from credits."""
    house.give(BEYOND)
    house.work(TEAM_INCLUDES + 3)
    return house


def balance(house: House, account: Account) -> Decimal:
    with tenant_context(house.id):
        return ledger.balance(house.id, account, USD)


def test_use_so_far_is_the_revenue_that_was_booked(busy: House) -> None:
    booked = -balance(busy, Account.REVENUE)
    assert booked == 3 * BEYOND
    page = text_of(busy.client("owner").get(reverse("portal:usage")))
    assert money(int(booked), USD) in page
    assert "3.00 USD of it paid from credits" in page
    assert money(busy.due(), USD) in page


def test_a_job_that_is_gone_is_an_id_without_a_link_and_one_that_is_there_has_one(busy: House) -> None:
    with tenant_context(busy.id):
        event = UsageEvent.objects.order_by("-occurred_at", "-id")[0]
    address = reverse("portal:job", args=[encode("job", event.job_id)])
    owner, pages = busy.client("owner"), [reverse("portal:usage"), reverse("portal:credits")]
    for page in pages:
        text = owner.get(page).content.decode()
        assert "/jobs/job_" not in text
        assert "does not exist any more" in text
    with tenant_context(busy.id):
        Job.objects.create(
            id=event.job_id, tenant=busy.tenant, plugin="echo", plugin_version="1", bucket="echo", unit=event.unit,
            quantity=1, amount=0, currency=USD,
        )  # fmt: skip
    assert address in owner.get(pages[0]).content.decode()


def test_the_live_part_is_the_same_without_the_frame(busy: House) -> None:
    part = text_of(busy.client("owner").get(reverse("portal:usage-live")))
    assert "9.00 USD" in part
    assert "<html" not in part
    assert "<svg" in part


def test_the_forecast_tells_its_rule_and_never_less_than_the_use_so_far(busy: House) -> None:
    page = text_of(busy.client("owner").get(reverse("portal:usage")))
    assert "straight line" in page
    # 103 analyses on the first of 30 days: the rest of them, too, at the price beyond the quota
    days = (busy.subscription.current_period_end - busy.subscription.current_period_start).days  # type: ignore[operator]
    at_end = 103 * days
    assert money(FEE + (at_end - TEAM_INCLUDES) * BEYOND, USD) in page


def test_an_invoice_is_told_by_line_down_to_its_jobs(busy: House) -> None:
    invoice = busy.close_period()
    identity = encode("inv", invoice.id)
    owner = busy.client("owner")
    assert money(invoice.total, USD) in text_of(owner.get(reverse("portal:invoices")))
    page = text_of(owner.get(reverse("portal:invoice", args=[identity])))
    assert money(invoice.total, USD) in page
    assert balance(busy, Account.RECEIVABLE) == invoice.total == FEE + 2 * BEYOND
    jobs = text_of(owner.get(reverse("portal:invoice-line", args=[identity, 2])))
    assert jobs.count('data-label="Job"') == 25
    assert "page 1 of 5" in jobs
    last = text_of(owner.get(reverse("portal:invoice-line", args=[identity, 2]) + "?page=5"))
    assert last.count('data-label="Job"') == 3


def test_an_invoice_is_a_pdf_in_both_languages_and_in_no_third(busy: House) -> None:
    identity = encode("inv", busy.close_period().id)
    owner = busy.client("owner")
    for language in ("en", "zh"):
        answer = owner.get(reverse("portal:invoice-pdf", args=[identity, language]))
        assert answer.content.startswith(b"%PDF"), language
    assert owner.get(reverse("portal:invoice-pdf", args=[identity, "fr"])).status_code == 400


def test_credits_are_told_with_what_they_burnt(busy: House) -> None:
    busy.give(1000, "later", clock.now() + timedelta(days=5))
    page = text_of(busy.client("owner").get(reverse("portal:credits")))
    assert money(int(-balance(busy, Account.CREDIT)), USD) == "10.00 USD"
    assert page.count("10.00 USD") >= 2
    assert "What they paid for" in page
    assert page.count('data-label="Job"') == 1


def test_a_purchase_is_shown_with_its_tax_before_it_is_made(house: House) -> None:
    with tenant_context(house.id):
        customers.update_details(house.id, actor="test", tax_percent=Decimal(19), tax_label="VAT")
    owner = house.client("owner")
    page = text_of(owner.get(reverse("portal:credits-buy") + "?amount=100"))
    for text in ("100.00 USD", "VAT 19 %", "19.00 USD", "119.00 USD"):
        assert text in page
    refused = text_of(owner.get(reverse("portal:credits-buy") + "?amount=1e3", follow=True))
    assert "Write an amount in USD" in refused


def test_the_preview_of_a_change_tells_the_difference_in_figures(house: House) -> None:
    page = text_of(house.client("owner").get(reverse("portal:plan-change") + "?plan=per-service"))
    for text in ("Change to Per service", "Present plan", "−", "to the second"):
        assert text in page
    assert house.subscription.plan_version.plan.slug == "team"


def test_a_plan_that_does_not_exist_is_told_on_the_page_of_plans(house: House) -> None:
    owner = house.client("owner")
    assert "No plan nonsense is on offer" in text_of(
        owner.get(reverse("portal:plan-change") + "?plan=nonsense", follow=True)
    )


def test_alerts_are_told_and_dismissed(house: House) -> None:
    house.work(50)
    owner = house.client("owner")
    page = text_of(owner.get(reverse("portal:billing")))
    assert "50 % of the quota of 100 is used: Analysis" in page
    with tenant_context(house.id):
        alert = Alert.objects.get()
    owner.post(reverse("portal:alert-dismiss", args=[encode("alr", alert.id)]))
    assert "of the quota" not in text_of(owner.get(reverse("portal:billing")))
    assert owner.post(reverse("portal:alert-dismiss", args=[encode("alr", alert.id)])).status_code == 404


def test_the_jobs_of_an_invoice_and_its_lines_add_up_in_their_tables(busy: House) -> None:
    invoice = busy.close_period()
    identity = encode("inv", invoice.id)
    owner = busy.client("owner")
    lines = downloaded(owner.get(reverse("portal:invoice-lines-export", args=[identity]))).splitlines()
    amounts = [Decimal(line.split(",")[-2]) for line in lines[1:]]
    assert sum(amounts) * 100 == invoice.subtotal
    jobs = downloaded(owner.get(reverse("portal:invoice-usage-export", args=[identity]))).splitlines()
    assert len(jobs) == 1 + TEAM_INCLUDES + 3
    assert sum(Decimal(line.split(",")[-3]) for line in jobs[1:]) * 100 == 3 * BEYOND


def test_billing_details_are_checked_and_kept(house: House) -> None:
    owner, path = house.client("owner"), reverse("portal:billing")
    fields = {"name": "House", "email": "bills@house.example", "country": "de", "tax_id": "DE1"}
    assert "Two letters" in told(owner, path, {**fields, "country": "D1"})
    assert "Saved" in told(owner, path, fields)
    with tenant_context(house.id):
        customer = customers.of(house.id)
    assert (customer.name, customer.country, customer.email) == ("House", "DE", "bills@house.example")
    assert "Enter a valid email" in told(owner, path, {**fields, "email": "nobody"})
