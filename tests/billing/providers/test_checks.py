"""What the system checks refuse, and the operator's commands."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import accounts, catalogue_sync, checks, clock, providers, relay
from billing.models import CatalogueObject, OutboxMessage, ProviderAccount, ReconciliationRun, SyncState
from billing.providers.base import Rejected
from billing.providers.orders import PriceOrder
from tenants.context import operator_context
from tests.billing.providers.stage import START, StripeStage
from tests.billing.work import on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def ids() -> list[str | None]:
    found = [*checks.provider_settings_are_safe(), *checks.key_is_of_the_books_mode(databases=["default"])]
    return [each.id for each in found]


def test_without_a_key_there_is_nothing_to_refuse(settings: Any) -> None:
    assert ids() == []
    settings.ASSAY_BILLING_PROVIDER = "stripe"
    assert ids() == ["billing.E005"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"DEBUG": True}, []),
        ({"DEBUG": True, "STRIPE_SECRET_KEY": "sk_live_x"}, ["billing.E001"]),
        ({"DEBUG": True, "STRIPE_SECRET_KEY": "rk_live_x"}, ["billing.E001"]),
        ({"STRIPE_WEBHOOK_SECRETS": []}, ["billing.E002"]),
    ],
)
def test_unsafe_settings_are_refused(settings: Any, changes: dict[str, Any], refused: list[str]) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["whsec_x"]
    for name, value in changes.items():
        setattr(settings, name, value)
    assert ids() == refused


def test_another_major_of_the_sdk_is_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["whsec_x"]
    monkeypatch.setattr(checks, "SDK_MAJOR", "15")
    assert ids() == ["billing.E003"]


def test_a_key_of_the_other_mode_is_refused_and_nothing_is_sent(stripe_stage: StripeStage, alice: Party) -> None:
    accounts.note()
    account = ProviderAccount.objects.get()
    assert (account.account[:5], account.livemode, ids()) == ("acct_", False, [])
    ProviderAccount.objects.update(livemode=True)
    assert ids() == ["billing.E004"]
    on_plan(alice.tenant, "pay-per-use").finish()
    before = len(stripe_stage.server.requests)
    assert relay.drain().delivered == 0
    assert len(stripe_stage.server.requests) == before
    with pytest.raises(accounts.WrongAccount):
        accounts.note()


def answer(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("billing", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_the_catalogue_is_copied_once_with_a_lookup_key_for_each_price(stripe_stage: StripeStage) -> None:
    first = answer("sync")
    made = dict(stripe_stage.server.state.objects["price"])
    assert answer("sync") == first
    assert stripe_stage.server.state.objects["price"] == made
    keys = {price["lookup_key"] for price in made.values()}
    assert keys == {row["name"] for row in first["objects"] if row["kind"] == "price"}
    assert {
        "assay_team_v1_fee_all_usd",
        "assay_team_v1_analysis_all_usd",
        "assay_pay-per-use_v1_image_digits_usd",
    } <= keys
    assert set(CatalogueObject.objects.values_list("state", flat=True)) == {SyncState.SYNCED}
    CatalogueObject.objects.all().delete()
    answer("sync")
    assert stripe_stage.server.state.objects["price"] == made, "found again, not made again"


def test_a_copy_that_fails_is_told(stripe_stage: StripeStage) -> None:
    stripe_stage.server.fault("POST /v1/prices", "500_no_retry", times=1)
    with pytest.raises(CommandError, match="not everything"):
        answer("sync")
    assert CatalogueObject.objects.filter(state=SyncState.FAILED).count() == 1


def test_a_copy_that_is_refused_waits_for_a_person(stripe_stage: StripeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = providers.by_name("stripe")
    asked: list[str] = []

    def refuse(order: PriceOrder) -> str:
        asked.append(order.lookup_key)
        raise Rejected("no such currency")

    monkeypatch.setattr(provider, "sync_price", refuse)
    assert catalogue_sync.sync_pending() == 0
    first = len(asked)
    assert first > 0
    assert CatalogueObject.objects.filter(state=SyncState.REFUSED).count() == first
    assert (catalogue_sync.sync_pending(), len(asked)) == (0, first), "asked again by itself"
    catalogue_sync.request_again(CatalogueObject.objects.filter(kind="price")[:1])
    assert (catalogue_sync.sync_pending(), len(asked)) == (0, first + 1), "a person has looked"


def test_reconcile_tells_by_its_exit_whether_everything_agrees(alice: Party) -> None:
    with clock.at(START):
        on_plan(alice.tenant, "pay-per-use").finish()
        relay.drain()
    dates = ("--from", "2027-01-10", "--to", "2027-01-11")
    found = answer("reconcile", *dates)
    assert (found["agrees"], found["verdicts"], found["usage"]["ours"]) == (True, {"matched": 1}, "1")
    with operator_context():
        OutboxMessage.objects.filter(topic="usage.recorded").update(state="parked")
    with clock.at(START.replace(day=11)), pytest.raises(CommandError, match="agrees"):
        answer("reconcile", *dates)
    assert ReconciliationRun.objects.count() == 2
    assert providers.default_name() == "local"
