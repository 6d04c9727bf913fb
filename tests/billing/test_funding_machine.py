"""Two wallets under any sequence of events, against a model of plain arithmetic; and controls that it must catch.

One usage event for each finished job and none for others; quotas, credits and caps never oversold; each place ends
once; an estimate is what is charged; a grant's parts sum to it and are burned in order; no wallet sees the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
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

from billing import clock, counters, credits, customers, funding, ledger, places, quota, spending
from billing.domain import credits as rules
from billing.errors import NoReservation, NothingToVoid
from billing.fields import ExactSum
from billing.models import (
    CreditGrant,
    CreditHold,
    Funding,
    GrantKind,
    LedgerEntry,
    QuotaCounter,
    Reservation,
    SpendingCounter,
    UsageEvent,
)
from tenants.context import operator_context
from tenants.errors import UserError
from tests.billing.wallet import USD, offer
from tests.billing.wallet_model import FREE, KEPT, LIMIT, UNIT, Grant, Wallet
from tests.billing.work import Customer, on_plan
from tests.conftest import make_party

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
BEGIN = datetime(2027, 3, 1, 8, tzinfo=UTC)
WHO = st.integers(0, 1)
ANY = st.integers(0, 30)
EXAMPLES = 12


@dataclass
class Stage:
    """The customers, made once; what a run does to them is rolled back."""

    customers: list[Customer]


class TwoWallets(RuleBasedStateMachine):
    """The first customer is invoiced, the second prepays; each rule does the same to model and product."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()
        self.now = BEGIN + timedelta(hours=1)
        self.wallets = [Wallet(prepaid=False), Wallet(prepaid=True)]

    def teardown(self) -> None:
        try:
            assert ledger.unbalanced() == []
        finally:
            transaction.set_rollback(True)
            self.run.__exit__(None, None, None)

    @initialize(amount=st.integers(1, 60))
    def begin_with_credits(self, amount: int) -> None:
        self.grant(1, amount, 50, None)

    @rule(who=WHO, amount=st.integers(1, 40), priority=st.sampled_from([10, 50]), hours=st.none() | st.integers(1, 12))
    def grant(self, who: int, amount: int, priority: int, hours: int | None) -> None:
        wallet, expires_at = self.wallets[who], self.now + timedelta(hours=hours) if hours else None
        with self.acting():
            made = credits.grant(
                self.id(who), amount, USD, kind=GrantKind.PROMOTIONAL, reason="", actor="test",
                priority=priority, expires_at=expires_at,
            )  # fmt: skip
        wallet.grants.append(Grant(made.id, amount, priority, expires_at, len(wallet.grants)))

    @rule(who=WHO, units=st.integers(1, 4))
    def submit(self, who: int, units: int) -> None:
        wallet, job_id = self.wallets[who], uuid4()
        expected = wallet.refusal(units, self.now)
        with self.acting():
            estimate = quota.estimate(self.id(who), plugin="xray", unit="image", quantity=Decimal(units))
            assert estimate.quote.exact == wallet.quote(units)
            assert refusal_of(self.id(who), job_id, units) == expected
        if expected is None:
            wallet.submit(job_id, units, self.now)

    @precondition(lambda self: self.jobs())
    @rule(number=ANY)
    def settle(self, number: int) -> None:
        """Of any job: a second time it is the same event, late it still counts, of a failed one there is none."""
        who, job_id = self.pick(number)
        wallet = self.wallets[who]
        job = wallet.jobs[job_id]
        with self.acting():
            try:
                event = quota.settle(self.id(who), job_id=job_id)
            except NoReservation:
                assert job.state == "released"
                return
        assert job.state != "released"
        assert event.amount == job.amount
        if job.state != "settled":
            wallet.settle(job, self.now)

    @precondition(lambda self: self.jobs())
    @rule(number=ANY)
    def release(self, number: int) -> None:
        who, job_id = self.pick(number)
        job = self.wallets[who].jobs[job_id]
        with self.acting():
            released = quota.release(self.id(who), job_id=job_id, reason="failed")
        assert released == (job.state == "held")
        if released:
            self.wallets[who].give_back(job, "released", self.now)

    @precondition(lambda self: any(wallet.grants for wallet in self.wallets))
    @rule(number=ANY)
    def void(self, number: int) -> None:
        grant = self.pick_grant(number)
        spoiled = grant.left == 0 or grant.voided or grant.expired
        with self.acting():
            try:
                credits.void(CreditGrant.objects.get(pk=grant.id), reason="", actor="test")
            except NothingToVoid:
                assert spoiled
                return
        assert not spoiled
        grant.voided = grant.left

    @rule(who=WHO, hard=st.none() | st.integers(0, 60))
    def cap(self, who: int, hard: int | None) -> None:
        with self.acting():
            customers.set_caps(self.id(who), soft=None, hard=hard, actor="test")
        self.wallets[who].cap = hard

    @rule(hours=st.integers(1, 4))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def sweep(self) -> None:
        with self.acting():
            quota.expire_overdue(self.now)
            credits.expire_overdue(self.now)
        for wallet in self.wallets:
            wallet.sweep(self.now)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        with self.acting():
            for who, wallet in enumerate(self.wallets):
                check_grants(self.id(who), wallet, self.now)
                check_jobs(self.id(who), wallet)
                check_counters(self.id(who), wallet)
                check_books(self.id(who), wallet)

    def acting(self) -> Any:
        return acting_at(self.now)

    def id(self, who: int) -> UUID:
        return self.stage.customers[who].id

    def jobs(self) -> list[tuple[int, UUID]]:
        return [(who, job_id) for who, wallet in enumerate(self.wallets) for job_id in wallet.jobs]

    def pick(self, number: int) -> tuple[int, UUID]:
        return self.jobs()[number % len(self.jobs())]

    def pick_grant(self, number: int) -> Grant:
        every = [grant for wallet in self.wallets for grant in wallet.grants]
        return every[number % len(every)]


def refusal_of(tenant_id: UUID, job_id: UUID, units: int) -> str | None:
    """Submit; the code of the refusal, None for a job that was taken."""
    try:
        quota.reserve(tenant_id, job_id=job_id, plugin="xray", unit="image", quantity=Decimal(units))
    except UserError as refusal:
        return refusal.code
    return None


class acting_at:
    """The operator's scope at a moment: there nothing but the code's own filters keeps the wallets apart."""

    def __init__(self, now: datetime) -> None:
        self.clock, self.scope = clock.at(now), operator_context()

    def __enter__(self) -> None:
        self.clock.__enter__()
        self.scope.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.scope.__exit__(*error)
        self.clock.__exit__(*error)


def check_grants(tenant_id: UUID, wallet: Wallet, now: datetime) -> None:
    rows = {each.id: each for each in CreditGrant.objects.for_tenant(tenant_id)}
    assert rows.keys() == {grant.id for grant in wallet.grants}
    for grant in wallet.grants:
        row = rows[grant.id]
        assert (row.amount, row.held, row.consumed, row.expired, row.voided) == grant.parts
        assert min(row.held, row.consumed, row.expired, row.voided, row.available) >= 0
    usable = sum(grant.left for grant in wallet.grants if not grant.over(now) and not grant.voided)
    assert credits.available(tenant_id, USD) == usable


def check_jobs(tenant_id: UUID, wallet: Wallet) -> None:
    places = {each.job_id: each for each in Reservation.objects.for_tenant(tenant_id)}
    assert {job_id: place.state for job_id, place in places.items()} == {
        job_id: job.state for job_id, job in wallet.jobs.items()
    }
    events = list(UsageEvent.objects.for_tenant(tenant_id))
    assert len(events) == len({event.job_id for event in events})
    assert {event.job_id: (event.metered, event.amount, event.credited) for event in events} == {
        job_id: (job.units, job.amount, job.credited) for job_id, job in wallet.jobs.items() if job.state == "settled"
    }
    held: dict[tuple[UUID, UUID], Any] = {
        (hold.reservation_id, hold.grant_id): hold.amount
        for hold in CreditHold.objects.for_tenant(tenant_id).exclude(state="released")
    }
    assert held == {
        (places[job_id].id, grant.id): part
        for job_id, job in wallet.jobs.items()
        if job.state in ("held", "settled")
        for grant, part in job.parts
    }


def check_counters(tenant_id: UUID, wallet: Wallet) -> None:
    counter = QuotaCounter.objects.for_tenant(tenant_id).first()
    if counter is not None:
        assert (counter.used, counter.reserved) == (wallet.used, wallet.reserved)
        assert counter.used + counter.reserved - counter.overage <= LIMIT
    row = SpendingCounter.objects.for_tenant(tenant_id).first()
    assert ((row.spent, row.held) if row else (0, 0)) == (wallet.spent, wallet.held)


def check_books(tenant_id: UUID, wallet: Wallet) -> None:
    sums = LedgerEntry.objects.for_tenant(tenant_id).order_by().values("account").annotate(sum=ExactSum("amount"))
    assert {row["account"]: row["sum"] for row in sums if row["sum"]} == wallet.books


@pytest.fixture
def machine(db: None, settings: Any) -> type[TwoWallets]:
    settings.ASSAY_RESERVATION_SECONDS = int(KEPT.total_seconds())
    tiers: list[tuple[str | None, str]] = [(str(FREE), "0"), (None, str(UNIT))]
    with clock.at(BEGIN):
        stage = []
        for name, funding_by in (("later", Funding.INVOICED), ("before", Funding.PREPAID)):
            offer(name, funding=funding_by, limit=LIMIT, hard=True, tiers=tiers)
            stage.append(on_plan(make_party(name).tenant, name))
    return type("Machine", (TwoWallets,), {"stage": Stage(stage)})


def test_any_sequence_of_events_leaves_both_wallets_as_arithmetic_says(machine: type[TwoWallets]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        ),
    )  # fmt: skip


@pytest.fixture
def play(machine: type[TwoWallets]) -> Iterator[Callable[..., None]]:
    """Run given steps, and look after each."""
    played = machine()

    def steps(*moves: tuple[Any, ...]) -> None:
        for name, *arguments in moves:
            getattr(played, name)(*arguments)
            played.all_is_as_in_the_model()

    yield steps
    played.teardown()


LATER, BEFORE = 0, 1
TWO_GRANTS = [("grant", LATER, 30, 50, None), ("grant", LATER, 30, 50, 6), ("submit", LATER, 4)]
"""The later grant expires, and so must be used first."""
CREDITED = [("grant", BEFORE, 60, 50, None), ("submit", BEFORE, 4)]
CAPPED = [("cap", LATER, 20), ("submit", LATER, 4), ("submit", LATER, 1)]
CROWDED = [("submit", LATER, 2), ("submit", LATER, 2), ("settle", 1)]
STRANGERS = [("grant", BEFORE, 60, 50, None), ("submit", LATER, 4)]


@pytest.mark.parametrize(
    "moves",
    [
        TWO_GRANTS,
        [*CREDITED, ("settle", 0), ("settle", 0)],
        [*CREDITED, ("release", 0)],
        [*CREDITED, ("pass_time", 4), ("sweep",), ("settle", 0)],
        CAPPED,
        CROWDED,
        STRANGERS,
        [("grant", LATER, 15, 50, 2), ("submit", LATER, 4), ("void", 0), ("pass_time", 4), ("sweep",), ("settle", 0)],
    ],
    ids=["burn order", "settled twice", "released", "late", "capped", "quoted", "two tenants", "expired meanwhile"],
)  # fmt: skip
def test_the_steps_of_the_controls_are_right_without_a_fault(play: Callable[..., None], moves: list[Any]) -> None:
    play(*moves)


def burning_without_expiry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "burn_order", lambda grant: (grant.priority, grant.id))


def consuming_twice(patch: pytest.MonkeyPatch) -> None:
    settle, end = funding.settle, credits._end
    patch.setattr(credits, "_end", lambda holds, state: None if state == "consumed" else end(holds, state))
    patch.setattr(funding, "settle", lambda held: (settle(held), credits.consume(held) if held else None))


def giving_nothing_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(funding, "release", lambda place: None)


def keeping_the_units(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(counters, "free", lambda counter, metered: None)


def settling_what_is_settled(patch: pytest.MonkeyPatch) -> None:
    find = Reservation.objects.for_tenants
    patch.setattr(
        places, "claim", lambda jobs: list(find(each for each, _ in jobs).filter(job_id__in=[each for _, each in jobs]))
    )


def forgetting_late_credits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(funding, "settle_late", lambda place: None)


def looking_past_the_cap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spending, "refuse_beyond_cap", lambda *arguments: None)


def quoting_the_cheaper_place(patch: pytest.MonkeyPatch) -> None:
    quote = places.quoting.quote
    patch.setattr(places.quoting, "quote", lambda rule, used, reserved, *rest: quote(rule, used, used * 0, *rest))


def seeing_all_tenants(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(credits, "good", lambda tenant_id, currency, now: CreditGrant.objects.filter(currency=currency))


def losing_a_booking(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(credits, "_book", lambda *arguments, **named: None)


@pytest.mark.parametrize(
    ("fault", "moves"),
    [
        (burning_without_expiry, TWO_GRANTS),
        (consuming_twice, [*CREDITED, ("settle", 0)]),
        (giving_nothing_back, [*CREDITED, ("release", 0)]),
        (giving_nothing_back, [*CREDITED, ("pass_time", 4), ("sweep",)]),
        (keeping_the_units, [*CREDITED, ("release", 0)]),
        (settling_what_is_settled, [*CREDITED, ("settle", 0), ("settle", 0)]),
        (forgetting_late_credits, [*CREDITED, ("pass_time", 4), ("sweep",), ("settle", 0)]),
        (looking_past_the_cap, CAPPED),
        (quoting_the_cheaper_place, CROWDED),
        (seeing_all_tenants, STRANGERS),
        (losing_a_booking, CREDITED),
    ],
)
def test_control_a_fault_is_caught(
    play: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[pytest.MonkeyPatch], None],
    moves: list[Any],
) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, IntegrityError)):
        play(*moves)
