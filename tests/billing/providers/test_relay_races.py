"""Relays side by side: of one serial there is never more than one call in flight."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from billing import checkouts, clock, customers, outbox, outbox_heads, relay
from billing.delivery import topics
from billing.models import OutboxMessage
from billing.providers.stripe import usage as stripe_usage
from tenants.context import operator_context, tenant_context
from tests.billing.providers.stage import START, StripeStage
from tests.billing.race import failures, race
from tests.billing.work import Customer
from tests.conftest import Party

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer"),
]
MESSAGES, RELAYS = 12, 4
OVERLAP_SECONDS = 0.02
"""A call that is in flight alone waits so long for another one."""


class InFlight:
    """Counts calls of each serial; the most at once is what a rule is judged by."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most, self.order = 0, list[str]()
        self.changed = threading.Condition()

    def deliver(self, attempt: Any, _provider: Any) -> dict[str, Any]:
        self.enter(attempt.message.serial, attempt.message.key)
        return {}

    def enter(self, serial: str, key: str) -> None:
        """Stay for a while, longer where nobody else is there."""
        with self.changed:
            self.now[serial] += 1
            self.most = max(self.most, self.now[serial])
            self.order.append(key)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.now[serial] > 1, OVERLAP_SECONDS)
            self.now[serial] -= 1


@pytest.fixture
def calls(alice: Party, charlie: Party, use_stripe: Any, monkeypatch: pytest.MonkeyPatch) -> InFlight:
    """Two serials of messages, and what happens when they are sent."""
    with operator_context():
        OutboxMessage.objects.all().delete()
        for party in (alice, charlie):
            customers.of(party.tenant.id)
    for number in range(MESSAGES):
        for party in (alice, charlie):
            with tenant_context(party.tenant.id):
                key = f"{party.tenant.id}:{number:02}"
                outbox.enqueue(party.tenant.id, "told", key=key, payload={}, serial=f"told:{party.tenant.id}")
    made = InFlight()
    monkeypatch.setitem(topics.TOPICS, "told", made.deliver)
    return made


def rounds(_number: int) -> int:
    return sum(relay.drain().delivered for _ in range(6))


def test_relays_side_by_side_send_each_serial_in_order_and_one_at_a_time(calls: InFlight) -> None:
    outcomes = race(RELAYS, rounds)
    assert failures(outcomes) == []
    assert sum(outcomes) == 2 * MESSAGES == len(calls.order)  # type: ignore[arg-type]
    assert calls.most == 1
    for tenant in {key.partition(":")[0] for key in calls.order}:
        mine = [key for key in calls.order if key.startswith(tenant)]
        assert mine == sorted(mine)


def test_without_the_rule_of_the_serial_two_calls_are_in_flight(
    calls: InFlight, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_relays_share_serials(monkeypatch)
    race(RELAYS, rounds)
    assert calls.most > 1


def let_relays_share_serials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a message is free whatever else of its serial is in hand."""

    def any_of(serials: list[str], now: object, most: int) -> list[OutboxMessage]:
        rows = OutboxMessage.objects.filter(state="pending", serial__in=serials, claimed_until=None)
        return list(rows.order_by("serial", "created_at", "id").select_for_update(skip_locked=True)[:1])

    monkeypatch.setattr(outbox_heads, "lock", lambda serials: serials)
    monkeypatch.setattr(outbox_heads, "leading", any_of)
    monkeypatch.setattr(outbox_heads, "waiting", lambda now, after, count: [] if after else serials())


@pytest.fixture
def reports(alice: Party, charlie: Party, stripe_stage: StripeStage, monkeypatch: pytest.MonkeyPatch) -> InFlight:
    """Use of two customers that waits for the provider, each of its calls counted while it is in flight."""
    for party in (alice, charlie):
        stripe_stage.pay(checkouts.subscribe(party.tenant.id, "pay-per-use", actor="test"))
    stripe_stage.turn()
    for party in (alice, charlie):
        customer = Customer(party.tenant, "xray", "image")
        for _ in range(MESSAGES):
            customer.finish()
    made, report = InFlight(), stripe_usage.report

    def watched(client: Any, order: Any) -> Any:
        made.enter(order.customer, order.identifier)
        return report(client, order)

    monkeypatch.setattr(stripe_usage, "report", watched)
    return made


def test_relays_side_by_side_report_use_once_and_one_at_a_time_for_a_customer_and_meter(
    reports: InFlight, stripe_stage: StripeStage
) -> None:
    outcomes = race(RELAYS, at_the_stages_time)
    assert failures(outcomes) == []
    assert (reports.most, len(reports.order), len(set(reports.order))) == (1, 2 * MESSAGES, 2 * MESSAGES)
    stripe_stage.server.aggregate()
    assert sum(len(rows) for rows in stripe_stage.server.state.counted.values()) == 2 * MESSAGES


def test_without_the_rule_of_the_serial_a_customer_s_reports_are_in_flight_together(
    reports: InFlight, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_relays_share_serials(monkeypatch)
    race(RELAYS, at_the_stages_time)
    assert reports.most > 1


def at_the_stages_time(_number: int) -> int:
    with clock.at(START):
        return sum(relay.drain().delivered for _ in range(3))


def serials() -> list[str]:
    return sorted(set(OutboxMessage.objects.filter(state="pending").values_list("serial", flat=True)))


def test_a_message_that_was_written_late_waits_for_the_one_in_hand(calls: InFlight) -> None:
    ((head,), _other) = relay.claim(10, most=1)
    earlier = clock.now() - timedelta(days=1)
    with operator_context():
        OutboxMessage.objects.filter(serial=head.message.serial).exclude(pk=head.message.pk).update(created_at=earlier)
    assert relay.claim(10) == []
