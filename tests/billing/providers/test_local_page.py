"""Our own checkout page; and that nobody outside is called while a transaction is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test import Client

from billing import checkouts, clock
from billing.models import CreditGrant, Invoice, ProviderEvent, Subscription
from tenants.context import operator_context
from tests.billing.providers.stage import START, StripeStage, close
from tests.billing.providers.test_relay import metered
from tests.conftest import Party

BANNER = "no money moves"


def member(party: Party) -> Client:
    client = Client()
    client.force_login(party.owner)
    return client


@pytest.mark.django_db
def test_a_payment_is_played_outside_of_production_and_says_so(alice: Party) -> None:
    session = checkouts.buy_credits(alice.tenant.id, 900, actor="test")
    page = member(alice).get(session.url)
    assert (page.status_code, BANNER in page.content.decode()) == (200, True)
    for _ in range(2):
        assert member(alice).post(session.url).status_code == 302
    with operator_context():
        assert [(row.total, row.state) for row in Invoice.objects.all()] == [(900, "paid")]
        assert [grant.amount for grant in CreditGrant.objects.all()] == [900]
    assert ProviderEvent.objects.filter(provider="local").count() == 1


@pytest.mark.django_db
def test_in_production_credits_are_ordered_and_paid_by_transfer(alice: Party, settings: Any) -> None:
    settings.ASSAY_TEST_PAYMENTS = False
    session = checkouts.buy_credits(alice.tenant.id, 900, actor="test")
    page = member(alice).get(session.url).content.decode()
    assert BANNER not in page
    member(alice).post(session.url)
    with operator_context():
        assert [(row.total, row.state) for row in Invoice.objects.all()] == [(900, "open")]
        assert not CreditGrant.objects.exists()


@pytest.mark.django_db
def test_a_plan_begins_when_the_page_is_confirmed(alice: Party) -> None:
    session = checkouts.subscribe(alice.tenant.id, "team", actor="test")
    member(alice).post(session.url)
    with operator_context():
        assert Subscription.objects.get(tenant=alice.tenant).plan_version == session.plan_version


@pytest.mark.django_db
def test_a_stranger_finds_no_page(alice: Party, charlie: Party) -> None:
    session = checkouts.subscribe(alice.tenant.id, "team", actor="test")
    assert member(charlie).get(session.url).status_code == 404
    assert member(charlie).post(session.url).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "shown"), [("sk_test_x", True), ("sk_live_x", False), ("", False)])
def test_every_page_says_test_under_a_test_key(alice: Party, settings: Any, key: str, shown: bool) -> None:
    settings.STRIPE_SECRET_KEY = key
    assert (BANNER in member(alice).get("/plans").content.decode()) is shown


@pytest.mark.django_db(transaction=True)
def test_no_call_to_stripe_is_made_inside_of_a_transaction(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    original = stripe.RequestsClient.request

    def watched(self: Any, *arguments: Any, **values: Any) -> Any:
        calls.append(connection.in_atomic_block)
        return original(self, *arguments, **values)

    monkeypatch.setattr(stripe.RequestsClient, "request", watched)
    customer = metered(stripe_stage, alice)
    customer.finish(2)
    stripe_stage.turn()
    close(stripe_stage, START + timedelta(days=31, minutes=5))
    assert len(calls) > 10
    assert not any(calls)
    with clock.at(stripe_stage.now), operator_context():
        assert Invoice.objects.get().external_id
