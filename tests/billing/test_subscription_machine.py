"""A subscription under any course of events: periods partition time, fees match an oracle, new versions change nothing.

The oracle knows nothing of phases, periods or proration: it keeps a list of what was agreed when, cuts the time at
every change and at every end of a period, and adds up fee x seconds / seconds of the whole period as fractions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import changes, clock, cycle, standing, subscriptions
from billing import fees as billed_fees
from billing.catalogue import publish
from billing.domain import course
from billing.domain.periods import period_at
from billing.models import BillingInterval, Invoice, Subscription, SubscriptionStatus
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant
from tests.billing.terms_of import act, bring, change, fees, sell, spans, subscribe, utc
from tests.conftest import make_party

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
FEES = {"small": 1000, "large": 3333, "yearly": 20000, "other-yearly": 10007}
MONTHS = {"small": 1, "large": 1, "yearly": 12, "other-yearly": 12}
ZONES = ["UTC", "Europe/Berlin", "America/New_York"]
STARTS = [
    utc("2028-01-31T23:30:00"),
    utc("2027-03-28T01:30:00"),
    utc("2028-02-29T05:00:07"),
    utc("2027-10-30T06:15:00"),
]
STEPS = st.sampled_from([1, 59, 3600, 7 * 86400 + 11, 20 * 86400 + 5, 45 * 86400, 400 * 86400])
"""Seconds that pass: within a period, over one, over many."""


def month_later(anchor: datetime, zone: str, months: int) -> datetime:
    """Independent of `domain.periods`: tries the days of the wanted month from the anchor's downwards."""
    local = anchor.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    for day in range(local.day, 27, -1) if local.day > 27 else [local.day]:
        try:
            wanted = local.replace(year=year, month=month + 1, day=day, fold=0)
        except ValueError:
            continue
        return existing(wanted)
    raise AssertionError


def existing(wanted: datetime) -> datetime:
    """The first moment at which the clocks show at least `wanted`: found by walking over seconds from a day before."""
    early = min(wanted.replace(fold=fold).astimezone(ZoneInfo("UTC")) for fold in (0, 1))
    shown = early.astimezone(wanted.tzinfo).replace(tzinfo=None)
    if shown >= wanted.replace(tzinfo=None):
        return early
    while early.astimezone(wanted.tzinfo).replace(tzinfo=None) < wanted.replace(tzinfo=None):
        early += timedelta(minutes=1)
    return early.replace(second=0, microsecond=0)


@dataclass
class Oracle:
    """What was agreed: `paid` tells whether the fee is due now; `owed` is all that has been due so far."""

    zone: str
    now: datetime
    plan: str
    fee: int
    anchor: datetime = field(init=False)
    number: int = 0
    paused: bool = False
    trial_end: datetime | None = None
    planned: tuple[str, int] | None = None
    ends: bool = False
    ended: bool = False
    owed: Fraction = Fraction(0)
    bounds: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.anchor = self.now
        self.bounds.append(self.now)

    @property
    def period(self) -> tuple[datetime, datetime]:
        step = MONTHS[self.plan]
        start = self.anchor if self.number == 0 else month_later(self.anchor, self.zone, self.number * step)
        return start, month_later(self.anchor, self.zone, (self.number + 1) * step)

    def pass_until(self, moment: datetime) -> None:
        """Second by second in spans in which nothing changes."""
        while self.now < moment and not self.ended:
            start, end = self.period
            trial = self.trial_end if self.trial_end is not None and self.trial_end > self.now else None
            cut = min(each for each in (moment, end, trial) if each is not None)
            if not self.paused and trial is None:
                seconds = Fraction(int((cut - self.now).total_seconds()))
                self.owed += self.fee * seconds / int((end - start).total_seconds())
            self.now = cut
            if cut == end:
                self._turn()
        self.now = max(self.now, moment)

    def _turn(self) -> None:
        end = self.period[1]
        self.bounds.append(end)
        self.number += 1
        if self.ends:
            self.ended = True
        elif self.planned is not None:
            self.switch(*self.planned)

    def switch(self, plan: str, fee: int) -> None:
        if MONTHS[plan] != MONTHS[self.plan]:
            if self.bounds[-1] != self.now:
                self.bounds.append(self.now)
            self.anchor, self.number = self.now, 0
        self.plan, self.fee, self.planned = plan, fee, None


class Machine(RuleBasedStateMachine):
    """One subscription; when the cycle runs is left to chance."""

    tenant: Tenant

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(rolled_back())
        self.fees = dict(FEES)

    @initialize(
        zone=st.sampled_from(ZONES), start=st.sampled_from(STARTS), plan=st.sampled_from(sorted(FEES)),
        days=st.sampled_from([0, 0, 11]),
    )  # fmt: skip
    def begin(self, zone: str, start: datetime, plan: str, days: int) -> None:
        subscribe(self.tenant, plan, start, zone=zone)
        self.oracle = Oracle(zone, start, plan, self.fees[plan])
        local = start.astimezone(ZoneInfo(zone)) + timedelta(days=10)
        self.oracle.trial_end = existing(local)
        self.time_passes(days * 86400)

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.oracle.pass_until(self.oracle.now + timedelta(seconds=seconds))

    @rule()
    def the_cycle_runs(self) -> None:
        bring(self.oracle.now)

    @rule()
    def somebody_looks(self) -> None:
        with clock.at(self.oracle.now), tenant_context(self.tenant.id):
            seen = subscriptions.subscription_of(self.tenant.id)
            assert (seen is None) == self.oracle.ended
            if seen is not None:
                assert (seen.plan_version.plan.slug, seen.current_period_start) == (
                    self.oracle.plan, self.oracle.period[0],
                )  # fmt: skip
                subscriptions.roll(seen, self.oracle.now)

    @precondition(lambda self: not self.oracle.ended)
    @rule(plan=st.sampled_from(sorted(FEES)), when=st.sampled_from(["now", "period_end"]), seconds=STEPS)
    def change_plan(self, plan: str, when: changes.When, seconds: int) -> None:
        self.change_now_or_later(plan, when)
        self.time_passes(seconds)

    def change_now_or_later(self, plan: str, when: changes.When) -> None:
        change(self.tenant, self.oracle.now, plan, when=when)
        self.oracle.ends, self.oracle.planned = False, None
        if plan == self.oracle.plan and self.oracle.fee == self.fees[plan]:
            return
        if when == "now":
            self.oracle.switch(plan, self.fees[plan])
        else:
            self.oracle.planned = plan, self.fees[plan]

    @precondition(lambda self: not self.oracle.ended)
    @rule()
    def pause(self) -> None:
        act(self.tenant, self.oracle.now, changes.pause)
        self.oracle.paused = True

    @precondition(lambda self: not self.oracle.ended)
    @rule()
    def resume(self) -> None:
        act(self.tenant, self.oracle.now, changes.resume)
        self.oracle.paused = False

    @precondition(lambda self: not self.oracle.ended)
    @rule()
    def cancel_at_the_end(self) -> None:
        act(self.tenant, self.oracle.now, changes.cancel, when="period_end")
        self.oracle.ends, self.oracle.planned = True, None

    @precondition(lambda self: not self.oracle.ended)
    @rule()
    def keep(self) -> None:
        act(self.tenant, self.oracle.now, changes.keep)
        self.oracle.ends, self.oracle.planned = False, None

    @precondition(lambda self: not self.oracle.ended)
    @rule(sure=st.sampled_from([False, False, True]))
    def cancel_now(self, sure: bool) -> None:
        if sure:
            act(self.tenant, self.oracle.now, changes.cancel, when="now")
            self.oracle.ended = True
            if self.oracle.bounds[-1] != self.oracle.now:
                self.oracle.bounds.append(self.oracle.now)

    @rule(plan=st.sampled_from(["small", "yearly"]))
    def a_new_version_is_published(self, plan: str) -> None:
        """Who subscribed before stays on what they agreed to."""
        before = self.state()
        self.fees[plan] += 777
        offer(plan, self.fees[plan])
        assert self.state() == before

    @invariant()
    def phases_partition_the_time(self) -> None:
        found = [each[2:] for each in spans(self.tenant)] if hasattr(self, "oracle") else []
        assert all(before[1] == after[0] for before, after in pairwise(found))
        assert [each for each in found if each[1] is None] == found[-1:] or all(each[1] for each in found)

    def state(self) -> Any:
        with tenant_context(self.tenant.id):
            return list(Subscription.objects.values_list("plan_version", "current_period_end", "status"))

    def teardown(self) -> None:
        try:
            if hasattr(self, "oracle"):
                self.settle()
        finally:
            self.stack.close()

    def settle(self) -> None:
        """Close everything: end the subscription, run the cycle twice, and hold the invoices against the oracle."""
        if not self.oracle.ended:
            act(self.tenant, self.oracle.now, changes.cancel, when="now")
            if self.oracle.bounds[-1] != self.oracle.now:
                self.oracle.bounds.append(self.oracle.now)
        bring(self.oracle.now)
        assert bring(self.oracle.now + timedelta(days=1000)) == []
        with tenant_context(self.tenant.id):
            (subscription,) = Subscription.objects.all()
            assert subscription.status == SubscriptionStatus.CANCELED
            assert subscription.billed_until == subscription.canceled_at == self.oracle.bounds[-1]
            rows = Invoice.objects.order_by("period_start")
            periods = set(rows.values_list("period_start", "period_end"))
            assert rows.count() == len(periods)
        # a period that costs nothing has no invoice; all others are the oracle's
        assert periods <= set(pairwise(self.oracle.bounds))
        cuts = len(spans(self.tenant)) + len(self.oracle.bounds)
        assert abs(Fraction(fees(self.tenant)) - self.oracle.owed) <= cuts * Fraction(1, 10**12)


@contextmanager
def rolled_back() -> Iterator[None]:
    """What one run of the machine has written is gone afterwards."""
    with transaction.atomic():
        point = transaction.savepoint()
        try:
            yield
        finally:
            transaction.savepoint_rollback(point)


@pytest.fixture(autouse=True)
def _scene(db: None) -> None:
    """What all runs begin with."""
    for slug, fee in FEES.items():
        offer(slug, fee)
    Machine.tenant = make_party("machine").tenant


def offer(slug: str, fee: int) -> None:
    interval = BillingInterval.YEAR if MONTHS[slug] == 12 else BillingInterval.MONTH
    sell(slug, str(fee), interval=interval, trial_days=10)


def run(examples: int = 20) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), print_blob=False, phases=[Phase.generate],
        ),
    )  # fmt: skip


def test_any_course_of_events_costs_what_the_oracle_says() -> None:
    run()


def whole_fee(amount: Decimal, *_: Any) -> Decimal:
    """No proration."""
    return amount


def never_ending(course_: course.Course, at: datetime) -> course.Kind:
    """A trial that is forgotten after a pause or a change."""
    return course.Kind.CHARGED


def from_the_past(anchor: datetime, interval: Any, moment: datetime, zone: str = "UTC") -> Any:
    """Periods in UTC, whatever the customer's zone."""
    return period_at(anchor, interval, moment, "UTC")


def one_run(spans: Any) -> list[course.Run]:
    """Another interval without a new grid."""
    rows = list(spans)
    return [course.Run(rows[0][1], rows[0][0], rows[-1][2])]


def at_the_present(subscription: Subscription, now: datetime) -> None:
    """Steps that are written late are written as of now."""
    before = standing.course_of(subscription)
    for _at, later in course.steps(before, now):
        standing.apply(subscription, before, later, now)
        before = later


MUTATIONS = {
    "no proration": (billed_fees, "prorated", whole_fee),
    "a trial is forgotten": (course, "resumed", never_ending),
    "periods in UTC": (course, "period_at", from_the_past),
    "another interval on the old grid": (course, "runs", one_run),
    "late is now": (standing, "catch_up", at_the_present),
    "nothing is closed": (cycle, "close_ended", lambda *_: []),
}


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
def test_the_machine_finds(mutation: str) -> None:
    module, name, broken = MUTATIONS[mutation]
    with patch.object(module, name, broken), pytest.raises(Exception, match=r"assert|billed"):
        run(examples=100)


def test_the_machine_finds_a_new_version_that_takes_its_subscribers_along() -> None:
    def take_along(version: Any, *, actor: str) -> Any:
        published = publish(version, actor=actor)
        with operator_context():
            rows = Subscription.objects.filter(plan_version__plan=version.plan)
            rows.exclude(status=SubscriptionStatus.CANCELED).update(plan_version=published)
        return published

    with patch("billing.catalogue.publish", take_along), pytest.raises(AssertionError):
        run(examples=100)
