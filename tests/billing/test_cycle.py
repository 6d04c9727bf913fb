"""Periods that end, a clock that advances, and the command that advances it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import catalogue, charges, clock, cycle, quota, subscriptions
from billing.domain.invoicing import Line
from billing.errors import ClockGoesBack, ClosingFailed
from billing.models import (
    Account,
    BillingInterval,
    Invoice,
    LedgerEntry,
    LedgerTransaction,
    Subscription,
    SubscriptionStatus,
)
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)


def billing(*arguments: str) -> dict[str, Any]:
    answer = StringIO()
    call_command("billing", *arguments, "--json", stdout=answer)
    found: dict[str, Any] = json.loads(answer.getvalue())
    return found


def subscribed(party: Party, plan: str) -> Customer:
    with clock.at(START):
        return on_plan(party.tenant, plan)


def subscription_of(customer: Customer) -> Subscription:
    with tenant_context(customer.id):
        found = quota.subscription_of(customer.id)
    assert found is not None
    return found


def test_each_period_that_has_ended_gets_its_own_invoice(alice: Party) -> None:
    subscribed(alice, "team")
    made = cycle.advance(datetime(2027, 5, 1, tzinfo=UTC))
    ends = [invoice.period_end.date().isoformat() for invoice in made]
    assert ends == ["2027-02-28", "2027-03-31", "2027-04-30"]
    assert [invoice.sequence for invoice in made] == [1, 2, 3]


def test_advancing_again_closes_nothing_twice(alice: Party) -> None:
    subscribed(alice, "team")
    to = datetime(2027, 5, 1, tzinfo=UTC)
    assert len(cycle.advance(to)) == 3
    assert cycle.advance(to) == []
    assert cycle.close_due(to) == []


def test_the_clock_does_not_go_back(alice: Party) -> None:
    customer = subscribed(alice, "team")
    cycle.advance(datetime(2027, 5, 1, tzinfo=UTC))
    period = subscription_of(customer).period
    with pytest.raises(ClockGoesBack):
        cycle.advance(datetime(2027, 4, 1, tzinfo=UTC))
    assert subscription_of(customer).period == period


def test_a_period_that_was_advanced_stays_for_work_of_today(alice: Party) -> None:
    customer = subscribed(alice, "team")
    cycle.advance(datetime(2027, 5, 1, tzinfo=UTC))
    with clock.at(START + timedelta(days=1)):
        customer.finish()
        state = customer.state()
    assert (state.used, state.resets_at) == (1, datetime(2027, 5, 31, 9, 30, tzinfo=UTC))
    (invoice,) = cycle.advance(datetime(2027, 6, 1, tzinfo=UTC))
    assert invoice.total == 19900


def test_new_work_rolls_the_period_on_and_the_ended_one_is_closed_later(alice: Party) -> None:
    customer = subscribed(alice, "per-service")
    with clock.at(START + timedelta(days=1)):
        customer.finish()
    with clock.at(START + timedelta(days=40)):
        customer.finish()
        assert customer.state().used == 1
        (invoice,) = cycle.close_due(clock.now())
    assert (invoice.total, invoice.period_start) == (500, START)


def test_a_period_of_nothing_has_no_invoice(alice: Party) -> None:
    customer = subscribed(alice, "per-service")
    assert cycle.advance(datetime(2027, 5, 1, tzinfo=UTC)) == []
    assert subscription_of(customer).billed_until == datetime(2027, 4, 30, 9, 30, tzinfo=UTC)


def test_a_trial_has_no_periods_and_its_quota_never_comes_back(alice: Party) -> None:
    customer = subscribed(alice, "trial")
    customer.finish()
    assert cycle.advance(datetime(2037, 5, 1, tzinfo=UTC)) == []
    assert (customer.state().used, customer.state().resets_at) == (1, None)


def test_a_year_is_one_period(alice: Party) -> None:
    make_plan("yearly", interval=BillingInterval.YEAR, fee="120000")
    subscribed(alice, "yearly")
    assert cycle.advance(datetime(2028, 1, 31, 9, 29, tzinfo=UTC)) == []
    (invoice,) = cycle.advance(datetime(2028, 1, 31, 9, 30, tzinfo=UTC))
    assert (invoice.period_start, invoice.total) == (START, 120000)


def test_all_tenants_are_advanced_and_each_sees_its_own_invoice(alice: Party, charlie: Party) -> None:
    customers = [subscribed(alice, "team"), subscribed(charlie, "team")]
    made = cycle.advance(datetime(2027, 3, 1, tzinfo=UTC))
    assert sorted(invoice.tenant_id for invoice in made) == sorted(customer.id for customer in customers)
    for customer in customers:
        with tenant_context(customer.id):
            assert Invoice.objects.get().tenant_id == customer.id


@pytest.mark.parametrize(
    ("zone", "start", "ends"),
    [
        # clocks go forward at 02:00 on 28 March 2027 in Berlin, on 14 March in New York
        ("Europe/Berlin", "2027-01-29T01:30+00:00", ["2027-02-28T01:30", "2027-03-29T00:30", "2027-04-29T00:30"]),
        ("Europe/Berlin", "2027-02-28T01:30+00:00", ["2027-03-28T01:00", "2027-04-28T00:30", "2027-05-28T00:30"]),
        # the last evening of the month in New York is the first of the next in UTC
        ("America/New_York", "2027-02-01T03:00+00:00", ["2027-03-01T03:00", "2027-04-01T02:00", "2027-05-01T02:00"]),
        ("America/New_York", "2028-01-30T06:59+00:00", ["2028-02-29T06:59", "2028-03-30T05:59", "2028-04-30T05:59"]),
    ],
)
def test_periods_keep_the_customers_day_and_hour(alice: Party, zone: str, start: str, ends: list[str]) -> None:
    with operator_context(), clock.at(datetime.fromisoformat(start)):
        Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone=zone)
        catalogue.subscribe(alice.tenant, "team", actor="test")
        # a subscription keeps the zone that it began with
        Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone="Asia/Shanghai")
    last = datetime.fromisoformat(f"{ends[-1]}+00:00")
    assert len(cycle.close_due(last - timedelta(microseconds=1))) == 2
    cycle.close_due(last)
    with tenant_context(alice.tenant.id):
        found = list(Invoice.objects.order_by("period_start").values_list("period_end", "subtotal"))
    assert found == [(datetime.fromisoformat(f"{end}+00:00"), 19900) for end in ends]


def test_ending_a_subscription_invoices_what_is_due_and_takes_no_more_work(alice: Party) -> None:
    customer = subscribed(alice, "per-service")
    with clock.at(START + timedelta(days=40)), tenant_context(customer.id):
        customer.finish()
    with clock.at(START + timedelta(days=41)), tenant_context(customer.id):
        (invoice,) = cycle.end(subscription_of(customer), actor="test")
        ended = Subscription.objects.get()
        assert subscriptions.subscription_of(customer.id) is None
    assert (invoice.total, ended.status) == (500, SubscriptionStatus.CANCELED)
    assert invoice.period_end == START + timedelta(days=41)
    assert cycle.advance(datetime(2028, 1, 1, tzinfo=UTC)) == []


def test_work_that_ends_after_its_subscription_is_on_the_next_ones_invoice(alice: Party) -> None:
    customer = subscribed(alice, "per-service")
    with clock.at(START + timedelta(days=1)):
        late = customer.reserve()
    with clock.at(START + timedelta(days=2)):
        on_plan(alice.tenant, "pay-per-use")
        customer.settle(late.job_id)
    (invoice,) = cycle.advance(START + timedelta(days=60))
    assert invoice.total == 500


def test_the_command_advances_and_prints_the_invoices(alice: Party) -> None:
    customer = subscribed(alice, "team")
    answer = billing("advance", "--to", "2027-03-01")
    assert answer["reached"] == "2027-03-01T00:00:00Z"
    (invoice,) = answer["invoices"]
    assert (invoice["number"], invoice["total"], invoice["currency"]) == ("INV-000001", 19900, "usd")
    assert invoice["period"] == {"start": "2027-01-31T09:30:00Z", "end": "2027-02-28T09:30:00Z"}
    assert invoice["tenant"] == str(customer.id)
    assert invoice["id"].startswith("inv_")


def test_the_command_refuses_to_go_back_and_to_read_what_is_no_date() -> None:
    billing("advance", "--to", "2027-03-01T10:00+08:00")
    with pytest.raises(CommandError, match="can not go back"):
        billing("advance", "--to", "2027-03-01T01:59")
    for wrong in ("tomorrow", "2027-02-30"):
        with pytest.raises(CommandError, match="not a date"):
            billing("advance", "--to", wrong)


def test_the_command_checks_the_books(alice: Party) -> None:
    subscribed(alice, "team")
    assert billing("check") == {"unbalanced": [], "faults": []}
    assert billing("seed") == {"plans": []}
    with tenant_context(alice.tenant.id):
        booked = LedgerTransaction.objects.create(
            tenant=alice.tenant, source_type="test", source_id="x", kind="wrong", occurred_at=START
        )
        entry = {"tenant": alice.tenant, "transaction": booked, "account": Account.CASH, "currency": "usd"}
        LedgerEntry.objects.create(amount=1, **entry)
        with pytest.raises(CommandError, match="do not balance"):
            billing("check")
        LedgerEntry.objects.create(amount=-1, **entry)


def test_one_tenants_fault_does_not_keep_the_others_invoices_back(
    alice: Party, charlie: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = subscribed(alice, "team"), subscribed(charlie, "team")
    charge_of = charges.charge_of

    def fail_for_one(subscription: Subscription, *arguments: Any) -> list[Line]:
        if subscription.tenant_id == broken.id:
            raise RuntimeError
        return charge_of(subscription, *arguments)

    monkeypatch.setattr(charges, "charge_of", fail_for_one)
    with pytest.raises(ClosingFailed, match=str(subscription_of(broken).id)):
        cycle.close_due(datetime(2027, 3, 1, tzinfo=UTC))
    monkeypatch.undo()
    with tenant_context(sound.id):
        assert Invoice.objects.get().sequence == 1
    (late,) = cycle.close_due(datetime(2027, 3, 1, tzinfo=UTC))
    assert (late.tenant_id, late.sequence) == (broken.id, 2)
