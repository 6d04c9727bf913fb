"""Invoices: preview, closing, what can not be changed, payment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import translation

from billing import books, charges, clock, credits, cycle, invoices, ledger, subscriptions, texts, usage
from billing.errors import PaymentRequired
from billing.models import Account, BilledUsage, GrantKind, Invoice, InvoiceLine, InvoiceState, UsageEvent
from tenants.context import tenant_context
from tests.billing.work import Customer, make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
MARCH = datetime(2027, 3, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def january(db: None) -> object:
    """A clock that stands at the beginning."""
    with clock.at(START):
        yield


def preview(customer: Customer) -> invoices.InvoicePreview:
    with tenant_context(customer.id):
        return invoices.preview(customer.id)


def lines(invoice: Invoice) -> list[tuple[str, Decimal, int]]:
    with tenant_context(invoice.tenant_id):
        return list(invoice.lines.values_list("code", "quantity", "amount"))


def balances(customer: Customer) -> dict[str, Decimal]:
    with tenant_context(customer.id):
        found = {account.value: ledger.balance(customer.id, account, "usd") for account in Account}
    return {account: amount for account, amount in found.items() if amount}


@pytest.mark.usefixtures("january")
def test_the_preview_of_a_plan_by_service_names_each_plugin(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    for plugin in ("xray", "xray", "digits"):
        Customer(alice.tenant, plugin).finish()
    shown = preview(customer)
    assert [(line.description, line.quantity, line.unit_amount, line.amount) for line in shown.lines] == [
        ("digits, completed analyses", 1, 10, 10),
        ("xray, completed analyses", 2, 500, 1000),
    ]
    assert (shown.subtotal, shown.tax, shown.total, shown.currency) == (1010, 0, 1010, "usd")
    assert (shown.period.start, shown.period.end) == (START, FEBRUARY)


@pytest.mark.usefixtures("january")
def test_the_three_ways_to_charge_meet_in_one_plan(alice: Party) -> None:
    customer = on_plan(alice.tenant, "team")
    for _ in range(102):
        customer.finish()
    assert [(line.code, line.quantity, line.amount) for line in preview(customer).lines] == [
        ("fee", 1, 19900),
        ("usage.all_analyses", 102, 600),
    ]


@pytest.mark.usefixtures("january")
def test_a_preview_shows_finished_work_only_and_writes_nothing(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    customer.reserve()
    assert preview(customer).lines == []
    with tenant_context(customer.id):
        assert not Invoice.objects.exists()


def test_without_a_subscription_there_is_nothing_to_preview(alice: Party) -> None:
    with pytest.raises(PaymentRequired):
        preview(Customer(alice.tenant))


@pytest.mark.usefixtures("january")
def test_the_invoice_says_what_the_preview_said(alice: Party) -> None:
    make_plan("third", price="0.333", fee="100")
    customer = on_plan(alice.tenant, "third")
    for _ in range(5):
        customer.finish()
    shown = preview(customer)
    (invoice,) = cycle.close_due(FEBRUARY)
    assert (invoice.state, invoice.number, invoice.total) == (InvoiceState.OPEN, "INV-000001", shown.total)
    assert lines(invoice) == [(line.code, line.quantity, line.amount) for line in shown.lines]
    assert lines(invoice) == [("fee", 1, 100), ("usage.units", 5, 2)]


@pytest.mark.usefixtures("january")
def test_closing_moves_accrued_use_to_the_receivable_and_rounding_has_its_account(alice: Party) -> None:
    make_plan("third", price="0.333", fee="100")
    customer = on_plan(alice.tenant, "third")
    for _ in range(5):
        customer.finish()
    assert balances(customer) == {"accrued_usage": Decimal("1.665"), "revenue": Decimal("-1.665")}
    (invoice,) = cycle.close_due(FEBRUARY)
    assert balances(customer) == {
        "customer_receivable": 102, "revenue": Decimal("-101.665"), "rounding": Decimal("-0.335"),
    }  # fmt: skip
    with tenant_context(customer.id):
        assert invoices.mark_paid(invoice, actor="test")
        assert not invoices.mark_paid(invoice, actor="test")
    assert (invoice.state, balances(customer)["cash"]) == (InvoiceState.PAID, 102)
    assert "customer_receivable" not in balances(customer)
    assert ledger.unbalanced() == []


@pytest.mark.usefixtures("january")
def test_places_given_back_make_a_credit_line(alice: Party) -> None:
    make_plan("included", tiers=[("1", "0"), (None, "100")])
    customer = on_plan(alice.tenant, "included")
    fails, succeeds = customer.reserve(), customer.reserve()
    customer.release(fails.job_id)
    assert customer.settle(succeeds.job_id).amount == 100
    (invoice,) = cycle.close_due(FEBRUARY)
    assert lines(invoice) == [("usage.all_units", 1, 100), ("usage.credit", 0, -100)]
    assert (invoice.total, invoice.state, balances(customer)) == (0, InvoiceState.PAID, {})


@pytest.mark.usefixtures("january")
def test_work_that_ends_after_the_close_is_on_the_next_invoice_as_prior(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    customer.finish()
    late = customer.reserve()
    cycle.close_due(FEBRUARY)
    with clock.at(FEBRUARY + timedelta(days=1)):
        customer.settle(late.job_id)
        customer.finish()
    (invoice,) = cycle.close_due(MARCH)
    with tenant_context(customer.id):
        described = list(invoice.lines.values_list("description", "amount"))
    assert described == [("xray, completed analyses (prior period)", 500), ("xray, completed analyses", 500)]


@pytest.mark.usefixtures("january")
def test_each_piece_of_work_is_on_exactly_one_invoice(alice: Party) -> None:
    customer = on_plan(alice.tenant, "pay-per-use")
    made = []
    for day in range(0, 120, 7):
        with clock.at(START + timedelta(days=day)):
            made += cycle.close_due(clock.now())
            customer.finish()
    made += cycle.close_due(START + timedelta(days=200))
    with tenant_context(customer.id):
        assert BilledUsage.objects.count() == UsageEvent.objects.count() == 18
        assert sum(invoice.total for invoice in made) == 18 * 200
    assert balances(customer) == {"customer_receivable": 3600, "revenue": -3600}


@pytest.mark.usefixtures("january")
def test_a_line_opens_down_to_its_jobs(alice: Party) -> None:
    on_plan(alice.tenant, "per-service")
    jobs = {plugin: Customer(alice.tenant, plugin).finish().job_id for plugin in ("digits", "xray")}
    (invoice,) = cycle.close_due(FEBRUARY)
    with tenant_context(alice.tenant.id):
        opened = {line.plugin: [event.job_id for event in invoices.usage_of(line)] for line in invoice.lines.all()}
    assert opened == {plugin: [job] for plugin, job in jobs.items()}


def closed_invoice(party: Party) -> Invoice:
    with clock.at(START):
        on_plan(party.tenant, "per-service").finish()
    (invoice,) = cycle.close_due(FEBRUARY)
    return invoice


@pytest.mark.parametrize(
    "change",
    [{"total": 1, "subtotal": 1}, {"number": "INV-9"}, {"currency": "eur"}, {"state": "draft"}, {"sequence": 9}],
)
def test_the_database_refuses_to_change_a_closed_invoice(alice: Party, change: dict[str, object]) -> None:
    invoice = closed_invoice(alice)
    with tenant_context(alice.tenant.id), pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**change)


@pytest.mark.parametrize("model", [Invoice, InvoiceLine, BilledUsage])
def test_the_database_refuses_to_delete_from_a_closed_invoice(alice: Party, model: type[Invoice]) -> None:
    closed_invoice(alice)
    with tenant_context(alice.tenant.id), pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        model.objects.all()._raw_delete("default")


def test_the_database_refuses_to_add_to_a_closed_invoice(alice: Party) -> None:
    invoice = closed_invoice(alice)
    with tenant_context(alice.tenant.id), pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        InvoiceLine.objects.create(
            tenant=alice.tenant, invoice=invoice, position=9, code="fee", description="x", quantity=1, exact=1, amount=1
        )


def test_a_paid_invoice_stays_paid(alice: Party) -> None:
    invoice = closed_invoice(alice)
    with tenant_context(alice.tenant.id):
        invoices.mark_paid(invoice, actor="test")
        with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
            Invoice.objects.filter(pk=invoice.pk).update(state=InvoiceState.OPEN)


def test_texts_are_translated_where_they_are_shown() -> None:
    params = {"plugin": "xray", "unit": "image", "prior": True}
    assert texts.in_english("usage.units", params) == "xray, use by image (prior period)"
    with translation.override("en"):
        for code in texts.TEXTS:
            described = {"plan": "Team", "from": "2027-01-01", "until": "2027-01-09", **params, "prior": False}
            assert texts.in_language(code, described) == texts.in_english(code, described)


@pytest.mark.usefixtures("january")
def test_the_usage_summary_adds_up_by_meter_and_plugin(alice: Party) -> None:
    on_plan(alice.tenant, "pay-per-use")
    Customer(alice.tenant, "xray").finish(Decimal("2.5"))
    event = Customer(alice.tenant, "digits").finish(3)
    with tenant_context(alice.tenant.id):
        summed = usage.summary(alice.tenant.id, since=START, until=START + timedelta(seconds=1))
        assert usage.summary(alice.tenant.id, until=START) == []
        assert usage.of_jobs(alice.tenant.id, [event.job_id]) == {event.job_id: event}
    assert [(each.meter, each.plugin, each.jobs, each.quantity, each.amount) for each in summed] == [
        ("image", "digits", 1, 3, 3),
        ("image", "xray", 1, Decimal("2.5"), 500),
    ]


@pytest.mark.usefixtures("january")
def test_work_that_ends_while_a_period_is_closed_is_on_the_next_invoice(
    alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plan("late", price="100")
    customer = on_plan(alice.tenant, "late")
    customer.finish()
    original = charges.charge_of

    def busy(*arguments: object) -> object:
        customer.finish()
        return original(*arguments)

    monkeypatch.setattr(charges, "charge_of", busy)
    (first,) = cycle.advance(FEBRUARY)
    monkeypatch.setattr(charges, "charge_of", original)
    (second,) = cycle.advance(MARCH)
    assert (first.total, second.total) == (100, 100)
    assert balances(customer).get(Account.ACCRUED.value) is None


@pytest.mark.usefixtures("january")
def test_an_ended_subscription_owes_its_fee_to_the_second(alice: Party) -> None:
    make_plan("by-second", fee="2419200")
    customer = on_plan(alice.tenant, "by-second")
    # a second of these 28 days costs one cent
    with clock.at(START + timedelta(hours=1)), tenant_context(customer.id):
        (invoice,) = cycle.end(subscriptions.existing(customer.id), actor="test")
    assert (invoice.total, invoice.due_at) == (3600, START + timedelta(hours=1, days=14))
    with tenant_context(customer.id):
        assert invoice.lines.get().description == "Plan by-second, fee from 2027-01-31 09:30 until 2027-01-31 10:30"


@pytest.mark.usefixtures("january")
def test_work_that_credits_have_paid_is_on_the_invoice_and_not_due(alice: Party) -> None:
    customer = on_plan(alice.tenant, "per-service")
    with tenant_context(customer.id):
        credits.grant(customer.id, Decimal(700), "usd", kind=GrantKind.PROMOTIONAL, reason="hello", actor="test")
    customer.finish()
    customer.finish()
    shown = preview(customer)
    (invoice,) = cycle.close_due(FEBRUARY)
    assert lines(invoice) == [("usage.analyses", 2, 1000), ("credits", 0, -700)]
    assert (shown.total, invoice.total) == (300, 300)
    with tenant_context(customer.id):
        assert invoices.usage_of(invoice.lines.get(code="credits")).count() == 2
        assert books.check(customer.id) == []
    assert balances(customer) == {"customer_receivable": 300, "revenue": -1000, "promotion": 700}
