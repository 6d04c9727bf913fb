"""The pages of the portal: who sees what, what the buttons do, and what strangers get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from inference import jobs
from inference.models import Job, JobState
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import AuditEvent, Membership, Role, User
from tests.conftest import Party, make_party
from tests.inference.work import reread, study_of, submit, work
from tests.portal.conftest import at_portal

pytestmark = pytest.mark.django_db
PLAIN = ["home", "jobs", "usage", "plans", "invoices", "keys"]
MEMBERS = {"home", "jobs", "plans"}


def page_of(job: Job) -> str:
    return reverse("portal:job", args=[encode("job", job.id)])


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.fixture
def ended(clinic: Party) -> Callable[[str], Job]:
    """A job of the clinic that was worked on."""

    def make(kind: str) -> Job:
        job = submit(clinic.tenant, study_of(clinic.tenant), kind)
        work()
        return reread(job)

    return make


@pytest.mark.parametrize("name", PLAIN)
def test_an_owner_opens_every_page(owner: Client, name: str) -> None:
    assert "clinic" in shown(owner, reverse(f"portal:{name}"))


@pytest.mark.parametrize("name", PLAIN)
def test_a_member_opens_what_the_role_allows(member: Client, name: str) -> None:
    assert member.get(reverse(f"portal:{name}")).status_code == (200 if name in MEMBERS else 403)


@pytest.mark.parametrize("name", PLAIN)
def test_nobody_is_sent_to_the_login(client: Client, db: None, name: str) -> None:
    path = reverse(f"portal:{name}")
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path}")


def test_a_person_without_an_organisation_is_told_so(clinic: Party) -> None:
    with operator_context():
        Membership.objects.all().delete()
    client = at_portal(clinic.owner)
    answer = client.get("/", follow=True)
    assert "You belong to no organisation yet" in answer.content.decode()


def test_a_person_of_two_organisations_chooses_and_can_choose_no_other(clinic: Party) -> None:
    second, foreign = make_party("second"), make_party("foreign")
    with operator_context():
        Membership.objects.create(tenant=second.tenant, user=clinic.owner, role=Role.OWNER)
    client = at_portal(clinic.owner)
    assert client.get("/")["Location"] == reverse("portal:tenants")
    assert client.post(reverse("portal:tenants"), {"tenant": encode("tnt", foreign.tenant.id)}).status_code == 404
    client.post(reverse("portal:tenants"), {"tenant": encode("tnt", second.tenant.id)})
    assert client.session[TENANT_IN_SESSION] == str(second.tenant.id)
    assert "second" in shown(client, "/")


def test_the_page_of_a_strangers_job_does_not_exist(clinic: Party, ended: Callable[[str], Job]) -> None:
    stranger = at_portal(make_party("stranger").owner)
    for job in (ended("fine"), ended("refuses")):
        assert stranger.get(page_of(job)).status_code == 404
        assert stranger.post(page_of(job), {"verb": "retry"}).status_code == 404
    assert stranger.get(reverse("portal:job", args=["job_nonsense"])).status_code == 404


def test_a_result_shows_findings_disclaimer_model_and_price(owner: Client, ended: Callable[[str], Job]) -> None:
    page = shown(owner, page_of(ended("fine")))
    for text in ("1 finding", "Nodule", "Does as it is told", "echo 1.0.0", "0.90", "3 × 2 px"):
        assert text in page


def test_the_same_in_chinese(owner: Client, ended: Callable[[str], Job]) -> None:
    page = owner.get(page_of(ended("fine")), headers={"Accept-Language": "zh-Hans"}).content.decode()
    for text in ("按吩咐行事", "结节", 'lang="zh'):
        assert text in page


def test_a_failed_job_tells_why_and_that_it_costs_nothing(owner: Client, ended: Callable[[str], Job]) -> None:
    page = shown(owner, page_of(ended("refuses")))
    assert "This analysis can not read the study." in page
    assert "not billed" in page


def test_a_waiting_job_is_cancelled_by_its_button_and_tried_again(owner: Client, clinic: Party) -> None:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    assert "Cancel" in shown(owner, page_of(job))
    owner.post(page_of(job), {"verb": "cancel"})
    assert reread(job).state == JobState.CANCELLED
    owner.post(page_of(job), {"verb": "retry"})
    assert reread(job).state == JobState.QUEUED


def test_a_button_pressed_too_late_is_told(owner: Client, ended: Callable[[str], Job]) -> None:
    job = ended("fine")
    answer = owner.post(page_of(job), {"verb": "cancel"})
    assert [str(message) for message in get_messages(answer.wsgi_request)]
    assert reread(job).state == JobState.SUCCEEDED


def test_a_press_without_the_forms_token_does_nothing(clinic: Party) -> None:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinic.owner)
    assert client.post(page_of(job), {"verb": "cancel"}).status_code == 403
    assert reread(job).state == JobState.QUEUED


def test_an_unknown_verb_does_nothing(owner: Client, clinic: Party) -> None:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    assert owner.post(page_of(job), {"verb": "delete"}).status_code == 302
    assert reread(job).state == JobState.QUEUED


def test_the_list_is_filtered_by_state_and_paged(owner: Client, clinic: Party, ended: Callable[[str], Job]) -> None:
    fine, failed = ended("fine"), ended("refuses")
    only = shown(owner, reverse("portal:jobs") + "?state=failed&page=999")
    assert page_of(failed) in only
    assert page_of(fine) not in only
    both = shown(owner, reverse("portal:jobs") + "?state=nonsense")
    assert page_of(fine) in both
    assert page_of(failed) in both


def test_usage_and_the_invoice_so_far_show_what_was_used(owner: Client, ended: Callable[[str], Job]) -> None:
    job = ended("fine")
    assert page_of(job) in shown(owner, reverse("portal:usage"))
    assert "USD" in shown(owner, reverse("portal:invoices"))


def test_a_strangers_invoice_does_not_exist(owner: Client) -> None:
    assert owner.get(reverse("portal:invoice", args=["inv_nonsense"])).status_code == 404


def log_in(password: str) -> Client:
    client = Client()
    client.post(reverse("portal:login"), {"username": "owner@clinic.example", "password": password})
    return client


def test_the_right_password_logs_in_and_is_noted_for_the_audit(clinic: Party) -> None:
    assert "_auth_user_id" in log_in("a long password").session
    with tenant_context(clinic.tenant.id):
        assert AuditEvent.objects.filter(action="user.logged_in", actor=f"user:{clinic.owner.pk}").exists()


def test_after_many_wrong_passwords_even_the_right_one_waits(
    clinic: Party, redis_server: redis.Redis, one_window: None
) -> None:
    for _ in range(10):
        log_in("wrong")
    assert "_auth_user_id" not in log_in("a long password").session
    told = Client().post(reverse("portal:login"), {"username": "owner@clinic.example", "password": "a long password"})
    assert told.status_code == 429
    assert told.content.decode().count('role="alert"') == 1


def test_a_stranger_elsewhere_locks_nobody_out(clinic: Party, redis_server: redis.Redis, one_window: None) -> None:
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    for _ in range(20):
        stranger.post(reverse("portal:login"), {"username": "owner@clinic.example", "password": "wrong"})
    assert "_auth_user_id" in log_in("a long password").session


@pytest.mark.parametrize(("production", "locked"), [(True, False), (False, True)])
def test_behind_the_proxy_of_production_people_are_told_apart_by_what_it_adds(
    clinic: Party, redis_server: redis.Redis, one_window: None, settings: Any, production: bool, locked: bool
) -> None:
    settings.ASSAY_PRODUCTION = production
    words = {"username": "owner@clinic.example", "password": "wrong"}
    for number in range(10):
        # what a sender writes himself stands before what the proxy adds, and does not count
        Client().post(reverse("portal:login"), words, headers={"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.7"})
    client = Client(headers={"X-Forwarded-For": "198.51.100.4"})
    client.post(reverse("portal:login"), {**words, "password": "a long password"})
    assert ("_auth_user_id" not in client.session) == locked
    stranger = Client().post(reverse("portal:login"), words, headers={"X-Forwarded-For": "192.0.2.7"})
    assert stranger.status_code == 429


def test_the_admins_log_in_has_the_same_brake(clinic: Party, redis_server: redis.Redis, one_window: None) -> None:
    operator = User.objects.create_superuser("operator@assay.example", "a long password")
    client = Client()
    words = {"username": operator.email, "password": "wrong"}
    for _ in range(10):
        client.post(reverse("admin:login"), words)
    client.post(reverse("admin:login"), {**words, "password": "a long password"})
    assert "_auth_user_id" not in client.session


def test_control_after_a_few_wrong_ones_the_right_one_is_let_in(
    clinic: Party, redis_server: redis.Redis, one_window: None
) -> None:
    for _ in range(9):
        log_in("wrong")
    assert "_auth_user_id" in log_in("a long password").session


def test_pages_allow_no_foreign_content(owner: Client) -> None:
    policy = owner.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_report_of_a_queued_job_waits(clinic: Party, owner: Client) -> None:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    with tenant_context(clinic.tenant.id):
        assert jobs.queue_position(job) == 1
    assert "Place 1 among your waiting jobs" in shown(owner, page_of(job))
