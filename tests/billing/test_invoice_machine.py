"""Two customers' invoices under any sequence of events; and controls that the checks must catch.

Books balance and say what the rows say; work is on one standing invoice at most, and in the end on exactly one; sums
are exact; what credits paid too much is returned; what is closed never changes; numbers have no gap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from billing import (
    books,
    charges,
    clock,
    closing,
    coupon_codes,
    credit_notes,
    credit_sales,
    credits,
    customers,
    cycle,
    invoices,
    ledger,
    payments,
    quota,
    refunds,
)
from billing.domain import crediting, invoicing
from billing.errors import ClosingFailed
from billing.models import (
    BilledUsage,
    Coupon,
    CreditGrant,
    CreditNote,
    CreditNoteLine,
    GrantKind,
    Invoice,
    InvoiceLine,
    InvoiceState,
    Payment,
    Refund,
    UsageEvent,
)
from tenants.context import operator_context
from tenants.errors import UserError
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import make_party

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
BEGIN = datetime(2027, 1, 31, 8, tzinfo=UTC)
MONTH = timedelta(days=31)
WHO = st.integers(0, 1)
ANY = st.integers(0, 30)
EXAMPLES, STEPS = 5, 16
FREE, PRICE = Decimal(2), Decimal("10.333")


class Invoicing(RuleBasedStateMachine):
    """The first customer pays tax, the second does not; both have a fee, two free images and a ladder."""

    customers: list[Customer]

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()
        self.now = BEGIN + timedelta(hours=1)
        self.held: list[tuple[int, UUID]] = []
        self.closed: dict[UUID, str] = {}

    def teardown(self) -> None:
        try:
            self.end_all()
        finally:
            transaction.set_rollback(True)
            self.run.__exit__(None, None, None)

    @rule(who=WHO, units=st.integers(1, 4))
    def begin_work(self, who: int, units: int) -> None:
        job = uuid4()
        made = self.attempt(
            lambda: quota.reserve(
                self.id(who), job_id=job, plugin="xray", unit="image", quantity=Decimal(units) / 2
            )
        )  # fmt: skip
        if made is not None:
            self.held.append((who, job))

    @rule(number=ANY)
    def finish_work(self, number: int) -> None:
        """Also long after the period in which it was begun."""
        if self.held:
            who, job = self.held.pop(number % len(self.held))
            self.attempt(lambda: quota.settle(self.id(who), job_id=job))

    @rule(number=ANY)
    def fail_work(self, number: int) -> None:
        if self.held:
            who, job = self.held.pop(number % len(self.held))
            self.attempt(lambda: quota.release(self.id(who), job_id=job, reason="failed"))

    @rule()
    def close_periods(self) -> None:
        self.now += MONTH
        with clock.at(self.now):
            cycle.close_due(self.now)

    @rule(who=WHO, amount=st.integers(1, 60))
    def give_credits(self, who: int, amount: int) -> None:
        self.attempt(
            lambda: credits.grant(
                self.id(who), Decimal(amount), "usd", kind=GrantKind.PROMOTIONAL, reason="", actor="test"
            )
        )

    @rule(who=WHO, amount=st.integers(1, 300))
    def sell_credits(self, who: int, amount: int) -> None:
        self.attempt(lambda: credit_sales.sell(self.id(who), amount, actor="test"))

    @rule(who=WHO, code=st.sampled_from(["ONCE", "EVER"]))
    def redeem(self, who: int, code: str) -> None:
        self.attempt(lambda: coupon_codes.redeem(self.id(who), code, actor="test"))

    @rule(number=ANY, amount=st.integers(1, 1500), whole=st.booleans(), abroad=st.booleans())
    def pay(self, number: int, amount: int, whole: bool, abroad: bool) -> None:
        invoice = self.pick(Invoice, number)
        if invoice is not None:
            wanted = max(1, invoice.amount_due) if whole else amount
            how = {"provider": "stripe", "external_id": str(uuid4())} if abroad else {}
            self.attempt(lambda: payments.record(invoice, wanted, actor="test", **how))

    @rule(number=ANY)
    def void(self, number: int) -> None:
        invoice = self.pick(Invoice, number)
        if invoice is not None:
            self.attempt(lambda: invoices.void(invoice, reason="", actor="test"))

    @rule(number=ANY)
    def give_up(self, number: int) -> None:
        invoice = self.pick(Invoice, number)
        if invoice is not None:
            self.attempt(lambda: invoices.mark_uncollectible(invoice, reason="", actor="test"))

    @rule(number=ANY, amount=st.integers(1, 1500))
    def credit_line(self, number: int, amount: int) -> None:
        line = self.pick(InvoiceLine, number)
        if line is not None:
            self.attempt(lambda: credit_notes.issue(line.invoice, {line.id: amount}, reason="", actor="test"))

    @rule(number=ANY)
    def credit_all(self, number: int) -> None:
        invoice = self.pick(Invoice, number)
        if invoice is not None:
            self.attempt(lambda: credit_notes.issue(invoice, None, reason="", actor="test"))

    @rule(number=ANY, amount=st.integers(1, 1500))
    def ask_refund(self, number: int, amount: int) -> None:
        payment = self.pick(Payment, number)
        if payment is not None:
            self.attempt(lambda: refunds.request(payment, amount, reason="", actor="test"))

    @rule(number=ANY, goes=st.booleans())
    def end_refund(self, number: int, goes: bool) -> None:
        refund = self.pick(Refund, number)
        if refund is not None:
            self.attempt(lambda: refunds.succeed(refund) if goes else refunds.fail(refund, "test"))

    @rule(number=ANY)
    def tamper(self, number: int) -> None:
        invoice = self.pick(Invoice, number)
        if invoice is None:
            return
        with operator_context(), pytest.raises(DatabaseError), transaction.atomic():
            Invoice.objects.filter(pk=invoice.pk).update(subtotal=1, discount=0, tax=0, total=1)

    @invariant()
    def check(self) -> None:
        with operator_context():
            self.check_books()
            self.check_work()
            for invoice in Invoice.objects.all():
                self.check_sums(invoice)
                self.check_returned(invoice)
                self.check_unchanged(invoice)
            self.check_limits()
            self.check_ladder()

    def check_books(self) -> None:
        assert books.check_all() == []
        for customer in self.customers:
            for (account, currency), amount in ledger.replay(customer.id).items():
                assert ledger.balance(customer.id, account, currency) == amount  # type: ignore[arg-type]

    def check_work(self) -> None:
        standing = BilledUsage.objects.filter(stands=True).values_list("usage_event_id", "invoice__state", "tenant_id")
        times = Counter(event for event, _, _ in standing)
        assert not times or max(times.values()) == 1
        assert InvoiceState.VOID not in {state for _, state, _ in standing}
        owners = dict(UsageEvent.objects.values_list("id", "tenant_id"))
        assert all(owners[event] == tenant for event, _, tenant in standing)

    def check_sums(self, invoice: Invoice) -> None:
        lines = list(InvoiceLine.objects.filter(invoice=invoice).order_by("position"))
        assert sum(line.amount for line in lines) == invoice.subtotal
        assert 0 <= invoice.discount <= invoice.subtotal
        taxed = Decimal(invoice.subtotal - invoice.discount) * invoice.tax_percent / 100
        assert invoice.tax == half_up(taxed)
        assert invoice.total == invoice.subtotal - invoice.discount + invoice.tax
        for code in {line.code for line in lines} - {"credits"}:
            # lines of one code, with what takes off them, are rounded together
            if not code.startswith("usage"):
                same = [line for line in lines if line.code == code or (code.startswith("fee") and "fee" in line.code)]
                assert sum(line.amount for line in same) == half_up(sum((line.exact for line in same), Decimal(0)))
        for counter in {line.counter_id for line in lines if line.counter_id}:
            same = [line for line in lines if line.counter_id == counter]
            assert sum(line.amount for line in same) == half_up(sum((line.exact for line in same), Decimal(0)))

    def check_returned(self, invoice: Invoice) -> None:
        events = UsageEvent.objects.filter(billed__invoice=invoice)
        credited = sum(events.values_list("credited", flat=True), Decimal(0))
        lines = InvoiceLine.objects.filter(invoice=invoice, code="credits").values_list("exact", flat=True)
        grant = CreditGrant.objects.filter(key=f"invoice:{invoice.id}:returned").first()
        assert credited + sum(lines, Decimal(0)) == (grant.amount if grant else 0)

    def check_unchanged(self, invoice: Invoice) -> None:
        lines = list(InvoiceLine.objects.filter(invoice=invoice).order_by("position").values_list())
        fixed = ("number", "subtotal", "discount", "tax", "total", "billed_to", "issued_by", "closed_at", "due_at")
        print_of = repr([[getattr(invoice, name) for name in fixed], lines])
        assert self.closed.setdefault(invoice.id, print_of) == print_of

    def check_ladder(self) -> None:
        """A pool never costs more than all its units in one go, however many invoices have charged it."""
        charged: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        units: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for line in InvoiceLine.objects.filter(counter__isnull=False).exclude(invoice__state=InvoiceState.VOID):
            charged[line.counter_id] += line.exact
            units[line.counter_id] += line.quantity
        for counter, exact in charged.items():
            assert exact <= max(Decimal(0), units[counter] - FREE) * PRICE

    def check_limits(self) -> None:
        for invoice in Invoice.objects.all():
            assert 0 <= invoice.amount_paid <= invoice.total
            assert invoice.state != InvoiceState.PAID or invoice.amount_due <= 0
            notes = list(CreditNote.objects.filter(invoice=invoice))
            assert sum(note.total for note in notes) == invoice.amount_credited <= invoice.total
        for line in InvoiceLine.objects.filter(amount__gt=0):
            credited = CreditNoteLine.objects.filter(invoice_line=line).values_list("amount", flat=True)
            assert 0 <= sum(credited) <= line.amount
        for payment in Payment.objects.all():
            assert payment.refunded <= payment.amount
        numbers = list(Invoice.objects.order_by("sequence").values_list("sequence", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        once = [each for invoice in Invoice.objects.exclude(state="void") for each in coupons_of(invoice)]
        assert max(Counter(code for code in once if code[1] == "ONCE").values(), default=0) <= 1

    def end_all(self) -> None:
        """When all periods are closed, all work is on exactly one invoice that stands."""
        while self.held:
            self.finish_work(0)
        self.close_periods()
        with operator_context():
            standing = set(BilledUsage.objects.filter(stands=True).values_list("usage_event_id", flat=True))
            assert standing == set(UsageEvent.objects.values_list("id", flat=True))
            for customer in self.customers:
                assert charges.unbilled(customer.id, "usd").count() == 0

    def id(self, who: int) -> UUID:
        return self.customers[who].id

    def pick(self, model: Any, number: int) -> Any:
        with operator_context():
            rows = list(model.objects.order_by("id"))
        return rows[number % len(rows)] if rows else None

    def attempt(self, act: Callable[[], Any]) -> Any:
        """What a rule of billing refuses, it refuses whole."""
        with clock.at(self.now), operator_context():
            try:
                with transaction.atomic():
                    return act()
            except UserError:
                return None


def half_up(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def coupons_of(invoice: Invoice) -> list[tuple[UUID, str]]:
    return [(invoice.tenant_id, each["code"]) for each in invoice.billed_to.get("coupons", [])]


@pytest.fixture
def stage(db: None) -> type[Invoicing]:
    """The machine with its two customers; what a run does to them is rolled back."""
    make_plan("machine", fee="1000.5", tiers=[(str(FREE), "0"), (None, str(PRICE))])
    with operator_context():
        Coupon.objects.create(code="ONCE", percent=15)
        Coupon.objects.create(code="EVER", kind="amount", amount=70, currency="usd", duration="forever")
    with clock.at(BEGIN):
        Invoicing.customers = [on_plan(make_party(name).tenant, "machine") for name in ("alice", "charlie")]
        with operator_context():
            customers.update_details(Invoicing.customers[0].id, actor="test", tax_percent=Decimal("7.25"))
    return Invoicing


def test_invoices_hold_under_any_sequence_of_events(stage: type[Invoicing]) -> None:
    run_state_machine_as_test(
        stage,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def directed(stage: type[Invoicing], *steps: Callable[[Invoicing], None]) -> None:
    """A run of chosen steps, with the checks at its end."""
    machine = stage()
    try:
        for step in steps:
            step(machine)
        machine.check()
        machine.end_all()
        machine.check()
    finally:
        transaction.set_rollback(True)
        machine.run.__exit__(None, None, None)


def work(machine: Invoicing, units: int = 4, who: int = 0) -> None:
    machine.begin_work(who, 2 * units)
    machine.finish_work(0)


def surplus_paid_from_credits(machine: Invoicing) -> None:
    """The free place is given back by work that fails; what was quoted for the dear one was paid from credits."""
    machine.give_credits(0, 60)
    machine.begin_work(0, 4)
    machine.begin_work(0, 4)
    machine.fail_work(0)
    machine.finish_work(0)


STORY: list[Callable[[Invoicing], None]] = [
    surplus_paid_from_credits,
    lambda machine: machine.redeem(0, "ONCE"),
    lambda machine: machine.close_periods(),
    lambda machine: machine.void(0),
    lambda machine: work(machine, 3),
    lambda machine: machine.close_periods(),
    lambda machine: machine.credit_line(machine_line(machine, "usage.all_units"), 1),
    lambda machine: machine.credit_line(machine_line(machine, "usage.all_units"), 900),
    lambda machine: machine.close_periods(),
    lambda machine: machine.pay(machine_open(machine), 1, True, True),
    lambda machine: machine.pay(machine_open(machine), 1500, False, True),
    lambda machine: machine.credit_all(machine_open(machine)),
    lambda machine: machine.ask_refund(0, 5),
    lambda machine: machine.end_refund(0, True),
]
"""Some of everything, in an order in which each fault below shows."""


def machine_line(machine: Invoicing, code: str) -> int:
    """The place of the latest line of a code with something on it."""
    with operator_context():
        rows = list(InvoiceLine.objects.order_by("id"))
    return max(place for place, row in enumerate(rows) if row.code == code and row.amount > 0)


def machine_open(machine: Invoicing) -> int:
    """The place of the first open invoice."""
    with operator_context():
        rows = list(Invoice.objects.order_by("id"))
    return next(place for place, row in enumerate(rows) if row.state == InvoiceState.OPEN)


def test_the_story_of_the_controls_holds_without_a_fault(stage: type[Invoicing]) -> None:
    directed(stage, *STORY)


def every_event(tenant_id: UUID, currency: str) -> Any:
    return UsageEvent.objects.for_tenant(tenant_id).filter(billable=True, currency=currency)


def never_billed(tenant_id: UUID, currency: str) -> Any:
    return every_event(tenant_id, currency).exclude(pk__in=BilledUsage.objects.values("usage_event"))


FAULTS: dict[str, tuple[Any, str, Any]] = {
    "a void that books nothing": (ledger, "reverse", lambda *_, **__: None),
    "a void that keeps its work": (charges, "unbilled", never_billed),
    "work that is billed again": (charges, "unbilled", every_event),
    "a fraction that is cut off": (invoicing, "round_half_up", int),
    "a ceiling that is not there": (invoicing, "_ceiling", lambda group: group.quoted),
    "credits that are not given back": (closing.credits, "grant", None),
    "a line that is credited twice": (crediting, "fits", lambda *_: True),
    "a payment without a bound": (payments, "_excess", lambda *_: 0),
    "a coupon that is not used up": (coupon_codes, "use_up", lambda redemptions: list(redemptions)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_control_each_fault_is_caught(stage: type[Invoicing], monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    module, name, wrong = FAULTS[fault]
    monkeypatch.setattr(module, name, wrong or returning_nothing(credits.grant))
    with pytest.raises((AssertionError, DatabaseError, ClosingFailed)):
        directed(stage, *STORY)


def returning_nothing(grant: Callable[..., Any]) -> Callable[..., Any]:
    """Grants all but what is returned."""
    return lambda *given, kind, **named: None if kind == GrantKind.RETURNED else grant(*given, kind=kind, **named)
