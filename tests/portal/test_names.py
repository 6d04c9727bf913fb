"""Customers read names, not slugs, and times in their own zone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from inference.models import Job
from portal import names
from portal.base import zone_of
from portal.templatetags.portal_format import moment
from tenants.context import operator_context, tenant_context
from tenants.models import Membership, Role, Tenant
from tests.conftest import Party
from tests.inference.work import study_of, submit, work
from tests.portal.conftest import at_portal

pytestmark = pytest.mark.django_db
CHINESE = {"Accept-Language": "zh-Hans"}


def page(client: Client, name: str, chinese: bool = False) -> str:
    return client.get(reverse(f"portal:{name}"), headers=CHINESE if chinese else {}).content.decode()


@pytest.fixture
def job(clinic: Party) -> Job:
    made = submit(clinic.tenant, study_of(clinic.tenant))
    work()
    return made


@pytest.mark.parametrize("name", ["jobs", "usage"])
def test_an_analysis_is_shown_by_its_title(owner: Client, job: Job, name: str) -> None:
    assert "Does as it is told" in page(owner, name)
    assert "按吩咐行事" in page(owner, name, chinese=True)
    assert "echo" not in page(owner, name)


def test_an_analysis_that_is_not_installed_any_more_keeps_its_slug() -> None:
    assert names.plugin_title("gone-since") == "gone-since"


def test_the_plan_and_the_unit_are_named_on_the_page_of_usage(owner: Client, job: Job) -> None:
    for text in ("Pay per use", "1 image"):
        assert text in page(owner, "usage")
    for text in ("按量付费", "1 张图像"):
        assert text in page(owner, "usage", chinese=True)


def test_lines_of_invoices_name_plan_unit_and_analysis(clinic: Party) -> None:
    with override("en"):
        assert names.invoice_line("usage.units", {"plugin": "echo", "unit": "image"}) == (
            "Does as it is told, use by image"
        )
        assert names.invoice_line("usage.all_units", {"plugin": "*", "unit": "image"}) == "Use by image"
    with override("zh-hans"):
        assert "团队版" in names.invoice_line("fee", {"plan": "Team"})
        assert "Renamed" in names.invoice_line("fee", {"plan": "Renamed"})


def test_units_are_counted_as_a_sentence_counts() -> None:
    with override("en"):
        assert names.counted(Decimal(1), "analysis") == "1 analysis"
        assert names.counted(Decimal("12.000"), "image") == "12 images"
        assert names.counted(Decimal("1.5"), "1k_chars") == "1.5 thousand characters"
        assert names.counted(Decimal(2), "pages") == "2 pages"
    with override("zh-hans"):
        assert names.counted(Decimal(12), "image") == "12 张图像"


def test_times_are_told_in_the_tenants_zone_with_its_name(clinic: Party, job: Job) -> None:
    with operator_context():
        Tenant.objects.filter(pk=clinic.tenant.pk).update(time_zone="Asia/Shanghai")
    with tenant_context(clinic.tenant.id):
        Job.objects.filter(pk=job.pk).update(created_at=datetime(2026, 11, 27, 20, 30, tzinfo=UTC))
    listed = page(at_portal(clinic.owner), "jobs")
    assert "the zone Asia/Shanghai." in listed
    assert "Nov. 28, 2026, 4:30 a.m." in listed


def test_control_without_a_zone_of_its_own_it_is_utc(clinic: Party, owner: Client, job: Job) -> None:
    with tenant_context(clinic.tenant.id):
        Job.objects.filter(pk=job.pk).update(created_at=datetime(2026, 11, 27, 20, 30, tzinfo=UTC))
    assert "Nov. 27, 2026, 8:30 p.m." in page(owner, "jobs")
    with timezone.override(UTC), override("en"):
        assert moment(datetime(2026, 11, 27, 20, 30, tzinfo=UTC)) == "Nov. 27, 2026, 8:30 p.m. UTC"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America"])
def test_a_zone_that_is_none_is_utc(name: str) -> None:
    assert zone_of(Tenant(name="x", time_zone=name)) == UTC


def test_the_list_of_jobs_marks_what_was_only_quoted(owner: Client, clinic: Party) -> None:
    submit(clinic.tenant, study_of(clinic.tenant))
    waiting = page(owner, "jobs")
    assert "Quoted 2.00 USD" in waiting
    work()
    charged = page(owner, "jobs")
    assert "2.00 USD" in charged
    assert "Quoted" not in charged


def test_a_failed_job_has_no_price_in_the_list(owner: Client, clinic: Party) -> None:
    submit(clinic.tenant, study_of(clinic.tenant), "refuses")
    work()
    listed = page(owner, "jobs")
    assert "not charged" in listed
    assert "2.00 USD" not in listed


def test_who_may_not_open_jobs_is_not_led_to_them(clinic: Party, job: Job) -> None:
    with operator_context():
        Membership.objects.filter(user=clinic.member).update(role=Role.BILLING)
    assert 'href="/jobs' not in page(at_portal(clinic.member), "usage")
    assert 'href="/jobs' in page(at_portal(clinic.owner), "usage")
