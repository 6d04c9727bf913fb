"""Relays side by side: of one serial there is never more than one call in flight."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from billing import clock, customers, outbox, outbox_heads, relay
from billing.delivery import topics
from billing.models import OutboxMessage
from tenants.context import operator_context, tenant_context
from tests.billing.race import failures, race
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
        serial = attempt.message.serial
        with self.changed:
            self.now[serial] += 1
            self.most = max(self.most, self.now[serial])
            self.order.append(attempt.message.key)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.now[serial] > 1, OVERLAP_SECONDS)
            self.now[serial] -= 1
        return {}


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
    def any_of(serial: str) -> OutboxMessage | None:
        rows = OutboxMessage.objects.filter(state="pending", serial=serial, claimed_until=None)
        found: OutboxMessage | None = rows.order_by("created_at", "id").first()
        return found

    monkeypatch.setattr(outbox_heads, "first", any_of)
    monkeypatch.setattr(outbox_heads, "in_hand", lambda serial, now: False)
    monkeypatch.setattr(outbox_heads, "waiting", lambda now, after, count: [] if after else serials())
    race(RELAYS, rounds)
    assert calls.most > 1


def serials() -> list[str]:
    return sorted(set(OutboxMessage.objects.filter(state="pending").values_list("serial", flat=True)))


def test_a_message_that_was_written_late_waits_for_the_one_in_hand(calls: InFlight) -> None:
    (head, _other) = relay.claim(10)
    earlier = clock.now() - timedelta(days=1)
    with operator_context():
        OutboxMessage.objects.filter(serial=head.serial).exclude(pk=head.pk).update(created_at=earlier)
    assert relay.claim(10) == []
