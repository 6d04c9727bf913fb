"""The inbox: what is believed, and that order, repetition and delay change nothing in the end."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import checkouts, clock, inbox, inbox_store, providers, relay
from billing.models import (
    CheckoutSession,
    CreditGrant,
    InboxState,
    Invoice,
    LedgerEntry,
    OutboxMessage,
    OutboxState,
    Payment,
    ProviderEvent,
    Subscription,
)
from billing.providers.base import InvalidSignature
from billing.providers.stripe import webhooks
from tenants.context import operator_context
from tests.billing.providers.stage import SECRETS, START, StripeStage, event_row, troubles
from tests.billing.providers.test_relay import metered
from tests.conftest import Party
from tests.fakes.stripe.server import StripeServer

pytestmark = pytest.mark.django_db
URL = "/webhooks/stripe/"
NOW = int(START.timestamp())


def post(body: bytes, headers: dict[str, str]) -> int:
    """The answer's status."""
    made = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    answer = Client().generic("POST", URL, body, content_type="application/json", **made)
    return int(answer.status_code)


def some_event(stage: StripeStage, party: Party) -> dict[str, Any]:
    checkouts.set_up_payment(party.tenant.id, actor="test")
    return stage.server.events[-1]


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("secret", SECRETS)
def test_every_active_secret_is_believed_and_an_event_is_kept_once(
    stripe_stage: StripeStage, alice: Party, secret: str, thin: bool
) -> None:
    body, headers = stripe_stage.server.delivery(some_event(stripe_stage, alice), [secret], thin=thin, at=NOW)
    assert [post(body, headers), post(body, headers)] == [200, 200]
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_a_webhook_signed_too_far_from_now_is_refused_on_both_sides(
    stripe_stage: StripeStage, alice: Party, seconds: int
) -> None:
    event = some_event(stripe_stage, alice)
    assert post(*stripe_stage.server.delivery(event, SECRETS, at=NOW + seconds)) == 400
    assert post(*stripe_stage.server.delivery(event, SECRETS, at=NOW + (299 if seconds > 0 else -299))) == 200


def test_without_our_bound_a_webhook_from_the_future_is_believed(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TOLERANCE", timedelta(days=99))
    event = some_event(stripe_stage, alice)
    assert post(*stripe_stage.server.delivery(event, SECRETS, at=NOW + 3600)) == 200


def test_what_is_tampered_with_or_not_signed_is_refused(stripe_stage: StripeStage, alice: Party) -> None:
    event = some_event(stripe_stage, alice)
    body, headers = stripe_stage.server.delivery(event, SECRETS, at=NOW)
    tampered = stripe_stage.server.delivery(event, SECRETS, at=NOW, tampered=True)
    strange = stripe_stage.server.delivery(event, ["whsec_strange"], at=NOW)
    assert [post(*tampered), post(*strange), post(body, {}), post(b"\xff", headers)] == [400] * 4
    assert post(b"x" * 600_000, headers) == 413
    assert Client().get(URL).status_code == 405
    assert Client().post("/webhooks/other/").status_code == 404
    assert not ProviderEvent.objects.exists()


def test_without_a_key_nobody_speaks_for_stripe(db: None) -> None:
    assert post(b"{}", {}) == 404
    with pytest.raises(InvalidSignature):
        inbox.receive(providers.LOCAL, b"{}", {})


def test_an_event_of_the_other_mode_changes_nothing(stripe_stage: StripeStage, alice: Party) -> None:
    event = {**some_event(stripe_stage, alice), "livemode": True}
    inbox_store.store(providers.by_name("stripe"), [event_row(event)])
    assert ProviderEvent.objects.get().state == InboxState.IGNORED


def test_a_poisonous_event_is_parked_and_can_be_played_again(stripe_stage: StripeStage, alice: Party) -> None:
    event = some_event(stripe_stage, alice)
    inbox_store.store(providers.by_name("stripe"), [event_row(event)])
    stripe_stage.server.fault("GET /v1/*", "500_no_retry", times=1000)
    for hour in range(1, 20):
        with clock.at(START + timedelta(hours=hour)):
            inbox.process()
    row = ProviderEvent.objects.get()
    assert (row.state, row.attempts) == (InboxState.PARKED, inbox.MOST_ATTEMPTS)
    assert inbox.replay(row)
    assert not inbox.replay(row)


def test_events_that_no_webhook_brought_are_fetched(stripe_stage: StripeStage, alice: Party) -> None:
    session = checkouts.subscribe(alice.tenant.id, "pay-per-use", actor="test")
    stripe_stage.pay(session)
    found = inbox.backfill()
    assert found == len(stripe_stage.server.events)
    assert inbox.backfill() == 0
    inbox.process()
    with operator_context():
        assert Subscription.objects.filter(tenant=alice.tenant).count() == 1


def test_a_report_that_could_not_be_counted_is_parked_with_its_reason(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(2)
    meters = stripe_stage.server.state.objects["billing.meter"].values()
    next(meter for meter in meters if meter["event_name"] == "assay_image")["status"] = "inactive"
    relay.drain()
    stripe_stage.server.aggregate()
    (report,) = [each for each in stripe_stage.server.thin_events if "meter" in each["type"]]
    assert post(*stripe_stage.server.delivery(report, SECRETS, thin=True, at=NOW)) == 200
    inbox.process()
    with operator_context():
        message = OutboxMessage.objects.get(topic="usage.recorded")
    assert (message.state, "archived_meter" in message.last_error) == (OutboxState.PARKED, True), troubles()


def story(stage: StripeStage, party: Party) -> list[dict[str, Any]]:
    """Subscribed, credits bought: the events of it."""
    first = checkouts.subscribe(party.tenant.id, "pay-per-use", actor="test")
    stage.pay(first)
    second = checkouts.buy_credits(party.tenant.id, 5000, actor="test")
    stage.pay(second)
    return stage.server.events


def end_state() -> dict[str, Any]:
    with operator_context():
        return {
            "subscriptions": sorted(Subscription.objects.values_list("plan_version__plan__slug", "status")),
            "sessions": sorted(CheckoutSession.objects.values_list("purpose", "state")),
            "invoices": sorted(Invoice.objects.values_list("kind", "state", "total", "amount_paid")),
            "payments": sorted(Payment.objects.values_list("amount", flat=True)),
            "grants": sorted(str(amount) for amount in CreditGrant.objects.values_list("amount", flat=True)),
            "ledger": sorted((row.account, str(row.amount)) for row in LedgerEntry.objects.all()),
        }


EXPECTED = {
    "subscriptions": [("pay-per-use", "active")],
    "sessions": [("credits", "complete"), ("subscription", "complete")],
    "invoices": [("credits", "paid", 5000, 5000)],
    "payments": [5000],
    "grants": ["5000"],
    "ledger": [
        ("cash", "5000"),
        ("customer_credit", "-5000"),
        ("customer_receivable", "-5000"),
        ("customer_receivable", "5000"),
    ],
}


class Undone(Exception):
    """Takes back what an example has written."""


@contextmanager
def taken_back() -> Iterator[None]:
    with contextlib.suppress(Undone), transaction.atomic():
        yield
        raise Undone


@pytest.fixture
def told(stripe_stage: StripeStage, alice: Party) -> list[dict[str, Any]]:
    return story(stripe_stage, alice)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_repetition_days_late_ends_the_same(told: list[dict[str, Any]], data: st.DataObject) -> None:
    """Invariant: permutations and duplicates of the events give one end; each is processed as it comes."""
    order = data.draw(st.permutations(range(len(told))))
    twice = data.draw(st.lists(st.sampled_from(order), max_size=5))
    provider = providers.by_name("stripe")
    with taken_back():
        for place, number in enumerate([*order, *twice]):
            with clock.at(START + timedelta(hours=3 * place)):
                inbox_store.store(provider, [event_row(told[number])])
                inbox.process()
        assert end_state() == EXPECTED, troubles()


def test_every_event_played_three_times_books_once(told: list[dict[str, Any]]) -> None:
    provider = providers.by_name("stripe")
    for repetition, event in itertools.product(range(3), told):
        again = event_row({**event, "id": f"{event['id']}_{repetition}"})
        inbox_store.store(provider, [again])
    inbox.process()
    assert end_state() == EXPECTED


def test_the_times_of_a_thin_event_are_read_in_utc(stripe_stage: StripeStage, server: StripeServer) -> None:
    report = {
        "id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found",
        "created": "2027-01-10T10:30:00+01:00", "livemode": False,
    }  # fmt: skip
    found = webhooks.incoming(report)
    assert (found.occurred_at, found.object_kind) == (datetime(2027, 1, 10, 9, 30, tzinfo=UTC), webhooks.METER_ERRORS)


def test_without_the_sessions_memory_credits_are_sold_twice(told: list[dict[str, Any]]) -> None:
    """The control of the invariant above."""
    provider = providers.by_name("stripe")
    for repetition, event in itertools.product(range(2), told):
        with operator_context():
            CheckoutSession.objects.update(state="open")
        inbox_store.store(provider, [event_row({**event, "id": f"{event['id']}_{repetition}"})])
        inbox.process()
    assert end_state() != EXPECTED
