"""Changes of plan, pauses, ends: the phases they leave behind, and the fees to the second."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing import addons, catalogue, changes, clock, quota, subscriptions
from billing.errors import (
    NoPeriodEnd,
    PaymentRequired,
    SubscriptionState,
    TrialUsed,
    UnfitAddOn,
    UnknownPlan,
)
from billing.models import (
    BillingInterval,
    InvoiceLine,
    OutboxMessage,
    Subscription,
    SubscriptionStatus,
)
from tenants.context import operator_context, tenant_context
from tenants.ids import uuid7
from tenants.models import AuditEvent
from tests.billing.terms_of import (
    act,
    acting,
    bring,
    change,
    current,
    fees,
    sell,
    spans,
    subscribe,
    totals,
    utc,
)
from tests.billing.work import Customer
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START, END = utc("2027-01-31T09:30"), utc("2027-02-28T09:30")
HALF = START + (END - START) / 2
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _plans(db: None) -> None:
    sell("small", "1000")
    sell("large", "3000")
    sell("large-yearly", "30000", interval=BillingInterval.YEAR)


def test_an_upgrade_now_charges_each_plan_for_its_part_of_the_period(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    before = current(alice.tenant, START)
    after = change(alice.tenant, HALF, "large")
    assert before is not None
    assert (after.id, after.anchor, after.current_period_end) == (before.id, START, END)
    bring(END)
    assert totals(alice.tenant) == [(START, END, 2000)]


def test_an_upgrade_and_a_downgrade_at_the_same_moment_cost_nothing(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    odd = START + timedelta(seconds=1234567)
    change(alice.tenant, odd, "large")
    change(alice.tenant, odd, "small")
    bring(END)
    assert totals(alice.tenant) == [(START, END, 1000)]
    assert fees(alice.tenant) == 1000


def test_a_downgrade_at_the_periods_end_waits_for_it_and_can_be_taken_back(alice: Party) -> None:
    subscribe(alice.tenant, "large", START)
    change(alice.tenant, HALF, "small", when="period_end")
    change(alice.tenant, HALF + DAY, "large")
    bring(END)
    change(alice.tenant, END + DAY, "small", when="period_end")
    bring(utc("2027-04-30T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [3000, 3000, 1000]


def test_work_of_the_new_period_finds_the_planned_change_without_the_cycle(alice: Party) -> None:
    subscribe(alice.tenant, "large", START)
    change(alice.tenant, HALF, "small", when="period_end")
    customer = Customer(alice.tenant)
    with clock.at(END + DAY):
        counter = customer.reserve().counter
    with acting(alice.tenant, END + DAY):
        assert counter.phase.plan_version.plan.slug == "small"
    assert counter.period_start == counter.phase.starts_at == END
    bring(END + DAY)
    assert totals(alice.tenant) == [(START, END, 3000)]


def test_what_is_looked_at_late_stands_as_it_would_have_been_written(alice: Party) -> None:
    subscribe(alice.tenant, "large", START)
    change(alice.tenant, HALF, "small", when="period_end")
    seen = current(alice.tenant, END)
    assert seen is not None
    assert (seen.plan_version.plan.slug, seen.next_plan_version, seen.written) == ("small", None, False)
    with acting(alice.tenant, END):
        subscriptions.roll(seen, END)
        stored = Subscription.objects.select_related("plan_version__plan").get()
    assert seen.written
    assert (stored.plan_version.plan.slug, stored.current_period_start) == ("small", END)


def test_another_interval_ends_the_period_now_and_begins_a_new_grid(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    changed = change(alice.tenant, HALF, "large-yearly")
    assert (changed.anchor, changed.billed_until) == (HALF, HALF)
    assert changed.current_period_end == HALF.replace(year=2028)
    assert totals(alice.tenant) == [(START, HALF, 500)]
    bring(HALF.replace(year=2028))
    assert totals(alice.tenant)[1:] == [(HALF, HALF.replace(year=2028), 30000)]


def test_a_planned_change_of_interval_is_invoiced_by_the_old_grid_however_late(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    change(alice.tenant, HALF, "large-yearly", when="period_end")
    with clock.at(END + 60 * DAY):
        Customer(alice.tenant).reserve()
    bring(END.replace(year=2028))
    assert totals(alice.tenant) == [(START, END, 1000), (END, END.replace(year=2028), 30000)]


def test_a_year_and_back_to_months_leaves_no_gap(alice: Party) -> None:
    subscribe(alice.tenant, "large-yearly", START)
    change(alice.tenant, END, "small")
    bring(utc("2027-05-01T00:00"))
    bounds = totals(alice.tenant)
    assert [each[:2] for each in bounds] == [(START, END), (END, utc("2027-03-28T09:30")), (
        utc("2027-03-28T09:30"), utc("2027-04-28T09:30"))]  # fmt: skip
    assert bounds[0][2] == round(Decimal(30000) * 28 / 365)


def test_a_pause_costs_nothing_and_takes_no_work(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    paused = act(alice.tenant, START + 7 * DAY, changes.pause)
    assert paused.status == SubscriptionStatus.PAUSED
    with clock.at(START + 8 * DAY), pytest.raises(PaymentRequired, match="paused") as refused:
        Customer(alice.tenant).reserve()
    assert refused.value.extra["subscription_status"] == "paused"
    assert act(alice.tenant, START + 21 * DAY, changes.resume).status == SubscriptionStatus.ACTIVE
    with clock.at(START + 22 * DAY):
        Customer(alice.tenant).reserve()
    bring(END)
    assert totals(alice.tenant) == [(START, END, 500)]


def test_a_pause_over_whole_periods_has_no_invoice(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    act(alice.tenant, END, changes.pause)
    bring(utc("2027-06-15T00:00"))
    act(alice.tenant, utc("2027-06-15T09:30"), changes.resume)
    bring(utc("2027-06-30T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [1000, 500]


def test_pausing_and_resuming_twice_changes_nothing(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    for _ in range(2):
        act(alice.tenant, START + DAY, changes.resume)
    for _ in range(2):
        act(alice.tenant, HALF, changes.pause)
    assert [each[1] for each in spans(alice.tenant)] == ["charged", "paused"]


def test_ending_now_charges_the_fee_up_to_now(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    act(alice.tenant, HALF, changes.cancel, when="now")
    assert current(alice.tenant, HALF) is None
    assert totals(alice.tenant) == [(START, HALF, 500)]
    with pytest.raises(PaymentRequired):
        act(alice.tenant, HALF, changes.cancel, when="now")


def test_ending_at_the_periods_end_happens_by_itself_and_only_once(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    act(alice.tenant, HALF, changes.cancel, when="period_end")
    assert current(alice.tenant, END - DAY) is not None
    assert current(alice.tenant, END) is None
    with clock.at(END), pytest.raises(PaymentRequired):
        Customer(alice.tenant).reserve()
    assert len(bring(END + 90 * DAY)) == 1
    assert bring(END + 180 * DAY) == []
    assert totals(alice.tenant) == [(START, END, 1000)]


def test_a_planned_end_that_came_while_nobody_closed_is_invoiced_before_the_next_begins(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    act(alice.tenant, HALF, changes.cancel, when="period_end")
    with acting(alice.tenant, END + DAY):
        (ended,) = Subscription.objects.all()
        subscriptions.roll(ended, END + DAY)
    subscribe(alice.tenant, "large", END + DAY)
    bring(END + 2 * DAY)
    assert totals(alice.tenant) == [(START, END, 1000)]


def test_a_planned_end_is_taken_back(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    act(alice.tenant, HALF, changes.cancel, when="period_end")
    act(alice.tenant, HALF + DAY, changes.keep)
    bring(utc("2027-03-31T09:30"))
    assert len(totals(alice.tenant)) == 2


def test_a_trial_of_days_ends_by_itself_and_is_had_once(alice: Party) -> None:
    sell("tried", "2800", trial_days=14)
    subscribe(alice.tenant, "tried", START)
    begun = current(alice.tenant, START)
    assert begun is not None
    assert (begun.status, begun.trial_end) == (SubscriptionStatus.TRIALING, START + 14 * DAY)
    later = current(alice.tenant, START + 15 * DAY)
    assert later is not None
    assert later.status == SubscriptionStatus.ACTIVE
    bring(END)
    assert totals(alice.tenant) == [(START, END, 1400)]
    act(alice.tenant, END, changes.cancel, when="now")
    subscribe(alice.tenant, "tried", END)
    again = current(alice.tenant, END)
    assert again is not None
    assert (again.status, again.trial_end) == (SubscriptionStatus.ACTIVE, None)


def test_a_trial_ends_in_the_middle_of_a_pause(alice: Party) -> None:
    sell("tried", "2800", trial_days=14)
    subscribe(alice.tenant, "tried", START)
    act(alice.tenant, START + 7 * DAY, changes.pause)
    resumed = act(alice.tenant, START + 21 * DAY, changes.resume)
    assert resumed.status == SubscriptionStatus.ACTIVE
    assert [each[1] for each in spans(alice.tenant)] == ["trial", "paused", "charged"]


def test_a_plan_change_from_a_trial_plan_is_charged_from_then_on(alice: Party) -> None:
    subscribe(alice.tenant, "trial", START)
    changed = change(alice.tenant, HALF, "small")
    assert (changed.status, changed.anchor) == (SubscriptionStatus.ACTIVE, HALF)
    with pytest.raises(TrialUsed):
        change(alice.tenant, HALF + DAY, "trial")


def test_nothing_can_wait_for_the_end_of_a_plan_without_periods(alice: Party) -> None:
    subscribe(alice.tenant, "trial", START)
    with pytest.raises(NoPeriodEnd):
        change(alice.tenant, HALF, "small", when="period_end")
    with pytest.raises(NoPeriodEnd):
        act(alice.tenant, HALF, changes.cancel, when="period_end")


def test_who_is_suspended_changes_nothing_but_can_leave(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    with acting(alice.tenant, HALF):
        Subscription.objects.update(status=SubscriptionStatus.SUSPENDED)
    for refused in (lambda: change(alice.tenant, HALF, "large"), lambda: act(alice.tenant, HALF, changes.pause)):
        with pytest.raises(SubscriptionState, match="suspended"):
            refused()
    with clock.at(HALF), pytest.raises(PaymentRequired, match="overdue"):
        Customer(alice.tenant).reserve()
    assert act(alice.tenant, HALF, changes.cancel, when="now").status == SubscriptionStatus.CANCELED


def test_billing_that_was_advanced_is_changed_from_where_it_stands(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    ahead = utc("2027-05-10T00:00")
    bring(ahead)
    change(alice.tenant, START + DAY, "large")
    last = spans(alice.tenant)[-1]
    assert last[:3] == ("large", "charged", utc("2027-04-30T09:30"))


def test_changes_are_told_to_the_collector_in_their_order_and_recorded(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    change(alice.tenant, HALF, "large")
    act(alice.tenant, HALF, changes.pause)
    act(alice.tenant, HALF, changes.resume)
    act(alice.tenant, HALF, changes.cancel, when="now")
    with operator_context():
        rows = OutboxMessage.objects.filter(topic__startswith="subscription.").order_by("created_at", "id")
        told = [topic.removeprefix("subscription.") for topic in rows.values_list("topic", flat=True)]
        assert {row.serial for row in rows} == {f"customer:{alice.tenant.id}"}
        assert {row.payload["subscription"] for row in rows} == {str(Subscription.objects.get().id)}
        recorded = AuditEvent.objects.filter(action__startswith="subscription.").order_by("sequence")
        actions = [action.removeprefix("subscription.") for action in recorded.values_list("action", flat=True)]
    assert told == actions == ["started", "changed", "paused", "resumed", "canceled"]


def test_the_database_keeps_one_open_phase(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    with acting(alice.tenant, START):
        phase = subscriptions.phase_of(Subscription.objects.get())
        phase.pk = uuid7()
        with pytest.raises(DatabaseError), transaction.atomic():
            phase.save(force_insert=True)


def preview(party: Party, at: datetime, slug: str, when: changes.When = "now") -> Any:
    with acting(party.tenant, at):
        return changes.preview_change(party.tenant.id, slug, when=when)


def test_a_preview_tells_what_the_invoice_will_say(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    at = START + timedelta(seconds=987654)
    seen = preview(alice, at, "large")
    assert (seen.effective_at, seen.rest_until, seen.fee.amount) == (at, END, 3000)
    assert seen.first_full_period.start == END
    change(alice.tenant, at, "large")
    bring(END)
    with tenant_context(alice.tenant.id):
        charged = [line.exact for line in InvoiceLine.objects.order_by("position")]
    assert charged == [1000 - seen.before.exact, seen.after.exact]


def test_a_preview_at_the_periods_end_has_nothing_left_of_the_period(alice: Party) -> None:
    subscribe(alice.tenant, "large", START)
    seen = preview(alice, HALF, "small", when="period_end")
    assert (seen.effective_at, seen.before.exact, seen.after.exact, seen.fee.amount) == (END, 0, 0, 1000)
    assert seen.first_full_period.start == END


def test_a_preview_of_another_interval_ends_the_period_with_it(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    seen = preview(alice, HALF, "large-yearly")
    assert (seen.before.amount, seen.after.exact, seen.fee.amount) == (500, 0, 30000)
    assert seen.first_full_period.start == HALF
    assert [each.code for each in seen.warnings] == ["new_periods"]
    assert "invoiced" in seen.warnings[0].text


def test_a_preview_warns_of_a_hard_limit_that_is_passed_already(alice: Party) -> None:
    sell("tight", "500", limit=2, hard=True)
    subscribe(alice.tenant, "small", START)
    with clock.at(START + DAY):
        Customer(alice.tenant).finish(3)
    seen = preview(alice, START + 2 * DAY, "tight")
    assert [(each.code, each.params) for each in seen.warnings] == [("limit_passed", {"used": "3", "limit": "2"})]
    assert preview(alice, START + 2 * DAY, "large").warnings == []
    assert [(each.limit, each.hard) for each in seen.included] == [(2, True)]


def test_a_preview_writes_nothing(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    before = spans(alice.tenant)
    preview(alice, HALF, "large")
    assert spans(alice.tenant) == before


def test_an_add_on_costs_its_fee_for_each_period_that_it_touches(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, HALF, addons.add, "extra-100", 2)
    act(alice.tenant, END + DAY, addons.end, "extra-100")
    bring(utc("2027-04-30T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [19900 + 9800, 19900 + 9800, 19900]


def test_more_of_an_add_on_does_not_reach_back_into_ended_periods(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, HALF, addons.add, "extra-100", 1)
    act(alice.tenant, END + DAY, addons.add, "extra-100", 1)
    bring(utc("2027-03-31T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [19900 + 4900, 19900 + 9800]


def test_an_add_on_widens_the_limit_that_is_counted_already(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    with clock.at(START + DAY):
        Customer(alice.tenant).finish()
        assert Customer(alice.tenant).state().limit == 100
    act(alice.tenant, HALF, addons.add, "extra-100", 2)
    with clock.at(HALF):
        assert Customer(alice.tenant).state().limit == 300


def test_an_add_on_goes_only_with_a_plan_that_it_widens(alice: Party) -> None:
    for slug in ("pay-per-use", "team-yearly"):
        with clock.at(START), operator_context():
            catalogue.subscribe(alice.tenant, slug, actor="test")
        with pytest.raises(UnfitAddOn):
            act(alice.tenant, START, addons.add, "extra-100", 1)
    with pytest.raises(UnknownPlan):
        act(alice.tenant, START, addons.add, "team", 1)
    with pytest.raises(UnknownPlan):
        change(alice.tenant, START, "extra-100")


def test_an_add_on_ends_with_the_plan_that_it_went_with(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, START + DAY, addons.add, "extra-100", 1)
    change(alice.tenant, HALF, "small")
    bring(utc("2027-03-31T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [10450 + 4900, 1000]


def test_quota_states_can_be_read_in_a_pause(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, HALF, changes.pause)
    with acting(alice.tenant, HALF):
        assert [state.limit for state in quota.states(alice.tenant.id)] == [100]
        assert subscriptions.existing(alice.tenant.id).status == SubscriptionStatus.PAUSED


def bought_again(alice: Party, quantity: int, again: int) -> list[int]:
    """What three periods cost where add-ons end with the second one, and are bought again within it."""
    subscribe(alice.tenant, "team", START)
    act(alice.tenant, HALF, addons.add, "extra-100", quantity)
    act(alice.tenant, END + DAY, addons.end, "extra-100")
    act(alice.tenant, END + 2 * DAY, addons.add, "extra-100", again)
    bring(utc("2027-04-30T09:30"))
    return [each[2] - 19900 for each in totals(alice.tenant)]


@pytest.mark.parametrize(("again", "second", "third"), [(2, 2, 2), (3, 3, 3), (1, 2, 1)])
def test_an_add_on_bought_again_before_it_ended_is_not_paid_twice(
    alice: Party, again: int, second: int, third: int
) -> None:
    assert bought_again(alice, 2, again) == [2 * 4900, second * 4900, third * 4900]


def test_an_add_on_bought_again_in_the_period_of_its_purchase_is_paid_once(alice: Party) -> None:
    subscribe(alice.tenant, "team", START)
    for act_of, quantity in ((addons.add, [1]), (addons.end, []), (addons.add, [1])):
        act(alice.tenant, HALF, act_of, "extra-100", *quantity)
    bring(utc("2027-03-31T09:30"))
    assert [each[2] for each in totals(alice.tenant)] == [19900 + 4900, 19900 + 4900]
