"""The relay under faults: nothing is lost, nothing is sent twice, whatever goes wrong when."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import checkouts, claims, clock, credits, providers, relay
from billing.delivery import sending, usage
from billing.delivery.attempt import delivered
from billing.delivery.usage import identifier_of
from billing.models import GrantKind, OutboxMessage, OutboxState, ProviderObject, UsageEvent
from billing.providers.orders import UsageOrder
from tenants.context import operator_context, tenant_context
from tests.billing.providers.stage import START, StripeStage, outbox_states, troubles
from tests.billing.work import Customer, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
EVENTS = "POST /v1/billing/meter_events"
HOUR = timedelta(hours=1)
SCOPE = ("SAVEPOINT", "RELEASE", "SELECT set_config")
FAULTS = [
    "drop_before_effect",
    "drop_after_effect",
    "429",
    "409",
    "500",
    "500_no_retry",
    "500_retry",
    "500_after_effect",
]


def metered(stage: StripeStage, party: Party) -> Customer:
    """A customer whose use Stripe counts."""
    session = checkouts.subscribe(party.tenant.id, "pay-per-use", actor="test")
    stage.pay(session)
    stage.turn()
    with operator_context():
        assert ProviderObject.objects.filter(kind="subscription").count() == 1, troubles()
    return Customer(party.tenant, "xray", "image")


def counted(stage: StripeStage) -> int:
    """What Stripe has counted of all use, each unit."""
    stage.server.aggregate()
    return sum(int(event.payload["value"]) for event in events_of(stage))


def events_of(stage: StripeStage) -> list[Any]:
    """Everything that Stripe has counted."""
    return [event for events in stage.server.state.counted.values() for event in events]


def drain_from(moment: datetime, hours: int = 120) -> None:
    """Round after round, as the clock goes on."""
    for hour in range(hours):
        with clock.at(moment + hour * HOUR):
            relay.drain()
        if set(outbox_states()) <= {"delivered", "parked"}:
            return


def recorded(customer: Customer) -> int:
    with tenant_context(customer.id):
        return sum(int(event.metered) for event in UsageEvent.objects.for_tenant(customer.id))


def pending(stage: StripeStage) -> OutboxMessage:
    with operator_context():
        return OutboxMessage.objects.exclude(state=OutboxState.DELIVERED).get()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_report_that_meets_a_fault_is_counted_once(stripe_stage: StripeStage, alice: Party, kind: str) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(3)
    stripe_stage.server.fault(EVENTS, kind, times=4)
    relay.drain()
    drain_from(START + HOUR)
    assert (counted(stripe_stage), outbox_states()) == (3, {"delivered": len_of_outbox()}), troubles()


def len_of_outbox() -> int:
    with operator_context():
        return OutboxMessage.objects.count()


def test_a_wait_that_was_asked_for_is_kept(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish()
    stripe_stage.server.fault(EVENTS, "429", times=3)
    assert relay.drain().retried == 1
    message = pending(stripe_stage)
    assert (message.ambiguous, message.attempts) == (False, 1)
    assert message.next_at > START


def test_a_relay_that_is_killed_after_the_effect_leaves_a_message_that_may_have_arrived(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(5)

    def killed(*arguments: object, **values: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(claims, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            relay.drain()
    message = pending(stripe_stage)
    assert (message.state, message.ambiguous, counted(stripe_stage)) == (OutboxState.PENDING, True, 5)
    assert relay.drain().delivered == 0, "the lease still stands"
    with clock.at(START + HOUR):
        assert relay.drain().delivered == 1
    assert counted(stripe_stage) == 5


def ambiguous_for(stage: StripeStage, customer: Customer, effect: bool, quantity: int = 4) -> datetime:
    """One report whose answers were lost until identifiers are forgotten; the moment after that."""
    customer.finish(quantity)
    stage.server.fault(EVENTS, "drop_after_effect" if effect else "drop_before_effect", times=3)
    relay.drain()
    assert pending(stage).ambiguous
    later = START + timedelta(hours=30)
    stage.go(later)
    return later


@pytest.mark.parametrize("effect", [True, False])
def test_an_old_unclear_report_is_compared_before_it_is_sent_again(
    stripe_stage: StripeStage, alice: Party, effect: bool
) -> None:
    customer = metered(stripe_stage, alice)
    later = ambiguous_for(stripe_stage, customer, effect)
    with clock.at(later):
        assert relay.drain().delivered == 1, troubles()
    assert counted(stripe_stage) == 4


def test_without_the_comparison_the_old_report_counts_twice(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = metered(stripe_stage, alice)
    later = ambiguous_for(stripe_stage, customer, effect=True)
    monkeypatch.setattr(usage, "UNREMEMBERED", timedelta(days=999))
    with clock.at(later):
        relay.drain()
    assert counted(stripe_stage) == 8


def test_reports_that_nothing_can_tell_apart_wait_for_a_person(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(4)
    stripe_stage.server.fault(EVENTS, "drop_after_effect", times=3)
    relay.drain()
    customer.finish(5)
    with operator_context():
        OutboxMessage.objects.filter(payload__metered="5").update(ambiguous=True, first_attempt_at=START)
    later = START + timedelta(hours=30)
    stripe_stage.go(later)
    with clock.at(later):
        assert relay.drain().parked >= 1
    with operator_context():
        message = OutboxMessage.objects.filter(state=OutboxState.PARKED).first()
        assert message is not None
        assert relay.replay(message)
        assert not relay.replay(message)


def test_use_of_an_invoiced_period_is_charged_by_the_invoice_alone(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(4)
    later = START + timedelta(days=35)
    stripe_stage.go(later)
    with clock.at(later):
        relay.drain()
    assert counted(stripe_stage) == 0
    with operator_context():
        assert OutboxMessage.objects.filter(payload__export="invoice_item").count() == 1


def test_use_that_credits_paid_is_never_reported(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    with tenant_context(customer.id):
        credits.grant(customer.id, Decimal(900), "usd", kind=GrantKind.PROMOTIONAL, reason="gift", actor="test")
    customer.finish(3)
    stripe_stage.turn()
    assert counted(stripe_stage) == 0
    assert recorded(customer) == 3


def test_one_message_of_a_serial_is_in_hand_at_a_time(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    for quantity in (1, 2, 3):
        customer.finish(quantity)
    ((head,),) = relay.claim(10, most=1)
    assert head.message.payload["metered"] == "1"
    assert relay.claim(10) == []
    with clock.at(START + HOUR):
        (again,) = relay.claim(10)
    assert [attempt.message.payload["metered"] for attempt in again] == ["1", "2", "3"]


def test_what_stands_behind_a_report_that_does_not_arrive_is_put_back_as_it_was(
    stripe_stage: StripeStage, alice: Party
) -> None:
    customer = metered(stripe_stage, alice)
    for quantity in (1, 2, 3):
        customer.finish(quantity)
    stripe_stage.server.fault(EVENTS, "drop_after_effect", times=3)
    assert relay.drain().retried == 1
    with operator_context():
        first, *others = OutboxMessage.objects.filter(state=OutboxState.PENDING)
    assert (first.payload["metered"], first.attempts, first.ambiguous) == ("1", 1, True)
    told = [(row.attempts, row.ambiguous, row.first_attempt_at, row.claimed_until) for row in others]
    assert told == [(0, False, None, None)] * 2
    assert counted(stripe_stage) == 1


def test_no_call_begins_when_the_lease_may_end_before_it(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(2)
    with monkeypatch.context() as patched:
        patched.setattr(claims, "LEASE", timedelta(0))
        assert relay.drain(1).delivered == 0
    assert counted(stripe_stage) == 0
    assert relay.drain().delivered == 1


def test_a_relay_whose_lease_is_over_writes_nothing(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    customer.finish(2)
    ((late,),) = relay.claim(10)
    with clock.at(START + HOUR):
        ((taken,),) = relay.claim(10)
        assert claims.write([(late, delivered({}))])[claims.LOST] == 1
        assert claims.write([(taken, delivered({"export": "meter"}))]) == {"delivered": 1, claims.LOST: 0}
    with operator_context():
        message = OutboxMessage.objects.get(pk=late.message.pk)
    assert (message.state, message.payload["export"], message.payload["metered"]) == ("delivered", "meter", "2")


@pytest.mark.parametrize("messages", [10, 40])
def test_many_reports_cost_as_many_statements_as_few(
    stripe_stage: StripeStage, alice: Party, monkeypatch: pytest.MonkeyPatch, messages: int
) -> None:
    monkeypatch.setattr(sending, "WRITE_EVERY", 600)
    customer = metered(stripe_stage, alice)
    for _ in range(messages):
        customer.finish()
    with CaptureQueriesContext(connection) as seen:
        assert relay.drain().delivered == messages
    found = [each["sql"] for each in seen.captured_queries if not each["sql"].startswith(SCOPE)]
    assert len(found) <= 20, "\n".join(found)


def test_local_customers_cost_one_statement(alice: Party, django_assert_max_num_queries: Any) -> None:
    customer = on_plan(alice.tenant, "pay-per-use")
    for _ in range(20):
        customer.finish()
    # fewer than messages; on PostgreSQL each scope announces itself by a statement of its own
    with django_assert_max_num_queries(16):
        assert relay.drain().local >= 20
    assert outbox_states().keys() == {"delivered"}


def test_the_same_report_twice_counts_once(stripe_stage: StripeStage, alice: Party) -> None:
    customer = metered(stripe_stage, alice)
    event = customer.finish(2)
    stripe_stage.turn()
    counted(stripe_stage)
    with operator_context():
        name = "assay_image"
        payer = events_of(stripe_stage)[0].payload["stripe_customer_id"]
    order = UsageOrder(identifier_of(event.id), name, payer, 7, event.occurred_at)
    assert providers.by_name("stripe").report_usage(order) == "duplicate"
    assert counted(stripe_stage) == 2


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schedule=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([*FAULTS, ""]), st.integers(1, 4)), max_size=6),
    seed=st.integers(0, 10**6),
)
def test_for_any_schedule_of_faults_what_is_counted_is_what_was_used(
    stripe_stage: StripeStage, alice: Party, schedule: list[tuple[int, str, int]], seed: int
) -> None:
    """Invariant: once drained, the provider's total is the sum of unique events; draining again adds nothing."""
    random.seed(seed)
    customer = STATE.setdefault(id(stripe_stage), None) or metered(stripe_stage, alice)
    STATE[id(stripe_stage)] = customer
    at = datetime.fromtimestamp(stripe_stage.server.now(), START.tzinfo)
    with clock.at(at):
        for quantity, kind, times in schedule:
            customer.finish(quantity)
            if kind:
                stripe_stage.server.fault(EVENTS, kind, times=times)
            relay.drain()
    drain_from(at + HOUR)
    stripe_stage.server.aggregate()
    assert (counted(stripe_stage), set(outbox_states())) == (recorded(customer), {"delivered"}), troubles()
    with clock.at(at + 200 * HOUR):
        assert relay.drain() == relay.RelayCount()


STATE: dict[int, Any] = {}
