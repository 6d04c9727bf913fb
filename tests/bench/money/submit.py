"""What billing adds to a submit, and how long a finished job takes to be on the customer's page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.test import Client

from billing import credits, customers, quota
from billing.models import GrantKind
from inference import jobs
from inference.models import Study
from tenants.context import tenant_context
from tenants.ids import encode
from tests.bench.money.timing import Step, in_turns, median, told
from tests.bench.money.world import Customer, customer
from tests.billing.wallet import offer
from tests.inference.work import SLUG, echo_installed, study_of

LIMIT = 1_000_000


def ratios(sizes: dict[str, Any]) -> dict[str, Any]:
    """The same submit with billing's place, without it, and with credits, a cap and a limit with alerts."""
    with echo_installed():
        plain, funded = customer("plain"), funded_customer()
        with_quota, with_all = (submit(each, study_of(each.tenant)) for each in (plain, funded))
        study = study_of(plain.tenant)

        def without() -> None:
            with mock.patch.object(quota, "reserve", free_place):
                submit(plain, study)()

        found = in_turns(4 * sizes["rounds"], without=without, quota=with_quota, credits_cap_alert=with_all)
    base = median(found["without"])
    return {
        **{name: told(watches) for name, watches in found.items()},
        "quota_over_without": round(median(found["quota"]) / base, 2),
        "credits_cap_alert_over_without": round(median(found["credits_cap_alert"]) / base, 2),
    }


def submit(who: Customer, study: Study) -> Step:
    def step() -> None:
        with tenant_context(who.id):
            jobs.submit(who.tenant, plugin_slug=SLUG, study=study)

    return step


def free_place(tenant_id: object, *, unit: str, quantity: Decimal, **_: object) -> SimpleNamespace:
    """What a submit needs to know, without asking billing."""
    return SimpleNamespace(unit=unit, quantity=quantity, amount=Decimal(0), currency="usd")


def funded_customer() -> Customer:
    offer("bench-funded", limit=LIMIT)
    made = customer("funded", "bench-funded")
    with tenant_context(made.id):
        credits.grant(made.id, Decimal(LIMIT), "usd", kind=GrantKind.PROMOTIONAL, reason="bench", actor="bench")
        customers.set_caps(made.id, soft=LIMIT, hard=2 * LIMIT, actor="bench")
    return made


def page(sizes: dict[str, Any]) -> dict[str, Any]:
    """From the commit of a settle to the page, and to the REST resource, that shows the job; and the pages again."""
    who = customer("reader")
    steps = reading(who)
    with allowed():
        for _ in range(30):
            who.finish()
        found = in_turns(sizes["rounds"], **steps)
        fresh = {name: in_turns(sizes["rounds"], settle=who.finish, look=step)["look"] for name, step in steps.items()}
        shown(who)
    return {
        **{name: told(watches) for name, watches in found.items()},
        **{f"commit_to_{name}_seconds": round(median(watches), 4) for name, watches in fresh.items()},
    }


def reading(who: Customer) -> dict[str, Step]:
    """The requests of a customer who looks at the use."""
    browser, program = Client(), Client(headers={"Authorization": f"Bearer {who.api_key}"})
    browser.force_login(who.owner)
    return {
        "usage_page": lambda: ok(browser, "/usage"), "live_part": lambda: ok(browser, "/usage/live"),
        "rest_usage": lambda: ok(program, "/v1/usage"), "rest_summary": lambda: ok(program, "/v1/usage/summary"),
    }  # fmt: skip


def ok(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def shown(who: Customer) -> None:
    """The first look after the commit has the job on it: there is nothing to wait for."""
    steps = reading(who)
    event = who.finish()
    job = encode("job", event.job_id)
    # of a job that is no row of its own the pages show the end of its id
    for name, sign in (("usage_page", job[-8:]), ("live_part", job[-8:]), ("rest_usage", job)):
        assert sign in str(steps[name]()), name


@contextmanager
def allowed() -> Iterator[None]:
    """The test client's host is let in."""
    from django.test import override_settings

    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        yield
