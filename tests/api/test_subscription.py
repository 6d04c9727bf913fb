"""The subscription, credits, caps and alerts over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory

from api.errors import problem_of
from billing import customers
from billing.errors import PaymentRequired
from billing.models import BillingCustomer, CheckoutSession, Subscription
from inference.models import Study
from tenants import keys
from tenants.context import tenant_context
from tenants.ids import encode
from tests.api.conftest import Api
from tests.conftest import Party
from tests.inference.work import subscribe

pytestmark = pytest.mark.django_db
ACTIONS = ("change", "cancel", "keep", "pause", "resume")
PLAN = {"plan": "per-service", "when": "now"}


def put(api: Api, path: str, body: Any) -> Any:
    headers: Any = api.headers
    return api.client.put(path, json.dumps(body), content_type="application/json", **headers)


def test_the_subscription_tells_how_it_stands(api: Api) -> None:
    body = api.get("/v1/subscription").json()
    assert {"id", "object", "plan", "plan_version", "status", "current_period", "quota", "created_at"} <= set(body)
    assert (body["plan"], body["status"], body["currency"]) == ("pay-per-use", "active", "usd")
    for name in ("trial_end", "cancel_at", "canceled_at", "past_due_since", "next_plan"):
        assert body[name] is None, name
    assert body["add_ons"] == []


def test_a_preview_changes_nothing_and_a_change_does_what_it_said(api: Api) -> None:
    preview = api.post("/v1/subscription/preview", {"plan": "team"}).json()
    assert preview["difference"] == preview["fee_after"] - preview["fee_before"]
    assert preview["fee"] == 19900
    assert api.get("/v1/subscription").json()["plan"] == "pay-per-use"
    changed = api.post("/v1/subscription/change", {"plan": "team"})
    assert (changed.status_code, changed.json()["plan"]) == (200, "team")


def test_a_planned_change_and_a_planned_end_are_taken_back(api: Api) -> None:
    planned = api.post("/v1/subscription/change", {"plan": "team", "when": "period_end"}).json()
    assert (planned["plan"], planned["next_plan"]) == ("pay-per-use", "team")
    assert api.post("/v1/subscription/keep").json()["next_plan"] is None
    ending = api.post("/v1/subscription/cancel").json()
    assert ending["cancel_at"] == ending["current_period"]["end"]
    assert api.post("/v1/subscription/keep").json()["cancel_at"] is None


def test_an_ended_subscription_is_still_told_and_takes_no_work(api: Api) -> None:
    ended = api.post("/v1/subscription/cancel", {"when": "now"}).json()
    told = api.get("/v1/subscription")
    assert (told.status_code, told.json()["status"], told.json()["id"]) == (200, "canceled", ended["id"])
    assert api.post("/v1/subscription/pause").status_code == 402


@pytest.mark.parametrize("strange", ["5", True, 5.0, "five", [5]])
def test_an_amount_is_a_whole_number_and_nothing_that_looks_like_one(api: Api, strange: Any) -> None:
    refused = put(api, "/v1/spending_caps", {"soft_cap": None, "hard_cap": strange})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/hard_cap")


def test_a_warning_after_the_stop_is_refused(api: Api) -> None:
    refused = put(api, "/v1/spending_caps", {"soft_cap": 600, "hard_cap": 500})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cap")
    assert put(api, "/v1/spending_caps", {"soft_cap": 500, "hard_cap": 500}).status_code == 200


def test_a_pause_refuses_work_and_is_still_told(api: Api) -> None:
    assert api.post("/v1/subscription/pause").json()["status"] == "paused"
    assert api.get("/v1/subscription").json()["status"] == "paused"
    assert api.get("/v1/spending_caps").status_code == 200
    assert api.post("/v1/subscription/resume").json()["status"] == "active"


def test_work_in_a_pause_is_refused_with_every_member_of_a_problem(api: Api, study: Study) -> None:
    api.post("/v1/subscription/pause")
    refused = api.post("/v1/jobs", {"study": encode("std", study.id), "plugin": "echo", "params": {"kind": "fine"}})
    body = refused.json()
    assert (refused.status_code, body["status"], body["code"]) == (402, 402, "payment_required")
    assert body["subscription_status"] == "paused"
    assert body["upgrade_url"].endswith("/plans")


def test_what_an_error_adds_takes_the_place_of_no_member_of_a_problem(rf: RequestFactory) -> None:
    body = problem_of(PaymentRequired(extra={"status": "paused", "code": "x", "more": 1}), rf.get("/v1/jobs"))
    assert (body["status"], body["code"], body["more"]) == (402, "payment_required", 1)


def test_an_end_now_is_the_end(api: Api) -> None:
    assert api.post("/v1/subscription/cancel", {"when": "now"}).json()["status"] == "canceled"
    gone = api.post("/v1/subscription/keep")
    assert (gone.status_code, gone.json()["code"]) == (402, "payment_required")
    assert gone.json()["upgrade_url"]


def test_the_same_key_changes_once_and_answers_the_same(api: Api, clinic: Party) -> None:
    first = api.post("/v1/subscription/change", PLAN, HTTP_IDEMPOTENCY_KEY="k")
    with tenant_context(clinic.tenant.id):
        phases = Subscription.objects.get().phases.count()
    again = api.post("/v1/subscription/change", PLAN, HTTP_IDEMPOTENCY_KEY="k")
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
    with tenant_context(clinic.tenant.id):
        assert Subscription.objects.get().phases.count() == phases
    assert api.post("/v1/subscription/change", {"plan": "team"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 422


def test_caps_are_put_and_wrong_ones_are_refused(api: Api, clinic: Party) -> None:
    body = put(api, "/v1/spending_caps", {"soft_cap": 1000, "hard_cap": None}).json()
    assert (body["soft_cap"], body["hard_cap"], body["spent"], body["currency"]) == (1000, None, "0", "usd")
    assert api.get("/v1/spending_caps").json() == body
    wrong_ones: list[Any] = [
        {"soft_cap": 1}, {"soft_cap": -1, "hard_cap": None}, {"soft_cap": 1, "hard_cap": 1, "x": 1}, []
    ]  # fmt: skip
    for wrong in wrong_ones:
        assert put(api, "/v1/spending_caps", wrong).status_code == 422, wrong
    with tenant_context(clinic.tenant.id):
        assert customers.of(clinic.tenant.id).soft_cap == 1000


def test_a_hard_cap_refuses_with_what_is_left(api: Api, study: Study) -> None:
    put(api, "/v1/spending_caps", {"soft_cap": None, "hard_cap": 100})
    refused = api.post("/v1/jobs", {"study": encode("std", study.id), "plugin": "echo", "params": {"kind": "fine"}})
    body = refused.json()
    assert (refused.status_code, body["code"]) == (402, "spending_limit_reached")
    assert (body["limit"], body["used"], body["remaining"], body["currency"]) == (100, 0, 100, "usd")
    assert body["resets_at"]
    assert "1.00 USD" in body["detail"]


def test_a_purchase_gives_an_address_once_for_a_key_and_credits_are_a_list(api: Api, clinic: Party) -> None:
    bought = api.post("/v1/credits/purchase", {"amount": 2500}, HTTP_IDEMPOTENCY_KEY="buy")
    again = api.post("/v1/credits/purchase", {"amount": 2500}, HTTP_IDEMPOTENCY_KEY="buy")
    assert (bought.status_code, bought.json()["amount"], bought.json()["state"]) == (201, 2500, "open")
    assert bought.json()["url"]
    assert again.json() == bought.json()
    with tenant_context(clinic.tenant.id):
        assert CheckoutSession.objects.count() == 1
    listed = api.get("/v1/credits").json()
    assert listed["balance"] == {"available": "0", "currency": "usd"}
    assert (listed["object"], listed["data"], listed["has_more"]) == ("list", [], False)
    assert api.post("/v1/credits/purchase", {"amount": 0}).status_code == 422


def test_alerts_are_a_list(api: Api) -> None:
    assert api.get("/v1/alerts").json() == {"object": "list", "data": [], "has_more": False, "next_cursor": None}


def test_what_changes_money_needs_the_scope_admin(clinic: Party) -> None:
    with tenant_context(clinic.tenant.id):
        reader = Api(keys.issue(clinic.tenant, "reader", ["billing:read"], actor="test").token)
    for path in ("/v1/subscription", "/v1/credits", "/v1/spending_caps", "/v1/alerts"):
        assert reader.get(path).status_code == 200, path
    refused = [reader.post(f"/v1/subscription/{action}", PLAN) for action in ACTIONS]
    refused += [reader.post("/v1/credits/purchase", {"amount": 5}), put(reader, "/v1/spending_caps", {})]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "scope_missing")] * 7
    with tenant_context(clinic.tenant.id):
        assert Subscription.objects.get().plan_version.plan.slug == "pay-per-use"
        assert not BillingCustomer.objects.filter(hard_cap__isnull=False).exists()


def test_a_stranger_has_the_own_subscription_and_changes_no_other(api: Api, charlie: Party, clinic: Party) -> None:
    subscribe(charlie.tenant, "team")
    stranger = Api(charlie.token)
    assert stranger.get("/v1/subscription").json()["id"] != api.get("/v1/subscription").json()["id"]
    stranger.post("/v1/subscription/pause")
    assert api.get("/v1/subscription").json()["status"] == "active"
