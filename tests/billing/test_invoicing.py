"""How quotes become lines: what binds, and what nobody pays."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.coupons import Discount, DiscountKind
from billing.domain.crediting import Sums, credited
from billing.domain.invoicing import Fee, UsageGroup, bill, fee_lines, usage_lines
from billing.domain.money import round_half_up
from billing.domain.rating import PriceModel, PriceRule, Tier, marginal, rate

INCLUDED = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(2), Decimal(0)), Tier(None, Decimal(100))))
CHEAPER = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(2), Decimal(10)), Tier(None, Decimal(5))))


def group(rule: PriceRule, quantity: int | str, quoted: int | str) -> UsageGroup:
    return UsageGroup(uuid4(), uuid4(), "xray", "image", False, rule, Decimal(quantity), Decimal(quoted))


def test_quotes_that_match_the_price_list_are_one_line() -> None:
    (line,) = usage_lines(group(INCLUDED, 3, 100))
    assert (line.code, line.quantity, line.amount) == ("usage.units", 3, 100)


def test_quotes_above_the_price_list_are_credited_on_a_line_of_their_own() -> None:
    usage, credit = usage_lines(group(INCLUDED, 2, 100))
    assert (usage.amount, credit.amount) == (100, -100)
    assert (credit.code, credit.quantity) == ("usage.credit", 0)


def test_quotes_below_the_price_list_bind() -> None:
    (line,) = usage_lines(group(CHEAPER, 2, 15))
    assert line.amount == 15


def test_late_work_never_makes_a_pool_dearer_than_the_price_list() -> None:
    late = replace(group(INCLUDED, 1, 100), billed_quantity=Decimal(2), billed=Decimal(100), prior=True)
    usage, credit = usage_lines(late)
    assert usage.amount + credit.amount == 0


def test_late_work_does_not_claw_back_an_earlier_credit() -> None:
    """The free place was taken by a job that ended late; the paid one was credited on the invoice before."""
    late = replace(group(INCLUDED, 1, 0), billed_quantity=Decimal(2), billed=Decimal(0), prior=True)
    (line,) = usage_lines(late)
    assert line.amount == 0


def test_a_line_is_rounded_once_not_job_by_job() -> None:
    third = PriceRule(PriceModel.PER_UNIT, Decimal("0.333"))
    (line,) = usage_lines(group(third, 3, "0.999"))
    assert (line.exact, line.amount) == (Decimal("0.999"), 1)


def test_a_shared_ladder_is_not_named_by_one_plugin() -> None:
    (line,) = usage_lines(replace(group(INCLUDED, 3, 100), plugin="*", counts_analyses=True))
    assert (line.code, line.unit_amount) == ("usage.all_analyses", None)


def test_the_fee_is_its_own_line() -> None:
    (line,) = fee_lines([Fee("fee", {"plan": "Team"}, Decimal("19900"))])
    assert (line.code, line.quantity, line.amount) == ("fee", 1, 19900)


prices = st.decimals(min_value=0, max_value=500, places=4)
ladders = st.builds(
    lambda edge, low, high: PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(edge), low), Tier(None, high))),
    st.integers(1, 8), prices, prices,
)  # fmt: skip


@given(ladders, st.lists(st.booleans(), min_size=1, max_size=20))
def test_whatever_fails_the_invoice_is_at_most_the_quotes_and_at_most_the_price_list(
    rule: PriceRule, succeeds: list[bool]
) -> None:
    """Jobs of one unit each, admitted one after the other; each is known to succeed or fail before the next comes."""
    position, quoted = Decimal(0), Decimal(0)
    pending: list[bool] = []
    for outcome in succeeds:
        price = marginal(rule, position + len(pending), Decimal(1))
        pending.append(outcome)
        if outcome:
            quoted += price
        if len(pending) == 3:
            position += sum(pending)
            pending.clear()
    finished = Decimal(sum(succeeds))
    if not finished:
        return
    lines = usage_lines(group(rule, str(finished), str(quoted)))
    total = sum(line.amount for line in lines)
    assert total == round_half_up(min(quoted, rate(rule, finished)))
    assert all(line.amount <= 0 for line in lines[1:])


def fee(exact: str, code: str = "fee") -> Fee:
    return Fee(code, {"plan": "Team"}, Decimal(exact))


def test_parts_of_a_fee_are_rounded_as_one_sum() -> None:
    parts = fee_lines([fee("33.5", "fee.part"), fee("33.5", "fee.part"), fee("33", "fee.part")])
    assert [line.amount for line in parts] == [34, 33, 33]


def test_units_of_add_ons_and_of_earlier_phases_come_before_the_ladder() -> None:
    pool = replace(group(INCLUDED, 3, 300), base=Decimal(2))
    (line,) = usage_lines(pool)
    assert line.amount == 300
    usage, surplus = usage_lines(replace(pool, included=Decimal(4)))
    assert usage.amount + surplus.amount == 0


def test_what_credits_have_paid_is_not_due_again() -> None:
    made = bill([fee("1000")], [group(INCLUDED, 5, 300)], Decimal("120.4"), [], Decimal(10))
    assert [(line.code, line.amount) for line in made.lines] == [
        ("fee", 1000), ("usage.units", 300), ("credits", -120),
    ]  # fmt: skip
    assert (made.subtotal, made.tax, made.total, made.returned) == (1180, 118, 1298, 0)


def test_credits_pay_use_and_no_fee_and_come_back_where_they_paid_too_much() -> None:
    made = bill([fee("1000")], [group(INCLUDED, 2, 100)], Decimal(100), [], Decimal(0))
    assert [line.amount for line in made.lines] == [1000, 100, -100]
    assert (made.subtotal, made.returned) == (1000, 100)


def test_use_that_credits_paid_to_the_last_digit_costs_nothing() -> None:
    third = PriceRule(PriceModel.PER_UNIT, Decimal("0.5"))
    groups = [group(third, 1, "0.5") for _ in range(3)]
    made = bill([], groups, Decimal("1.5"), [], Decimal(0))
    assert (made.subtotal, made.returned) == (0, 0)


def test_tax_is_due_on_what_the_discount_leaves() -> None:
    half = Discount(DiscountKind.PERCENT, percent=Decimal(50))
    made = bill([fee("1001")], [], Decimal(0), [half, Discount(DiscountKind.AMOUNT, amount=100)], Decimal(7))
    assert (made.subtotal, made.discounts, made.tax, made.total) == (1001, [501, 100], 28, 428)


@given(
    st.lists(st.tuples(st.integers(1, 6), prices), max_size=4), prices, st.integers(0, 100), st.integers(0, 100),
    prices,
)  # fmt: skip
def test_an_invoice_adds_up_and_is_never_negative(
    uses: list[tuple[int, Decimal]], whole: Decimal, percent: int, tax: int, from_credits: Decimal
) -> None:
    groups = [group(PriceRule(PriceModel.PER_UNIT, price), units, price * units) for units, price in uses]
    discount = Discount(DiscountKind.PERCENT, percent=Decimal(percent))
    made = bill([fee(str(whole))], groups, from_credits, [discount], Decimal(tax))
    assert made.subtotal == sum(line.amount for line in made.lines) >= 0
    assert made.total == made.subtotal - made.discount + made.tax >= 0
    used = sum((line.exact for line in made.lines if line.group), Decimal(0))
    paid = -sum((line.exact for line in made.lines if line.code == "credits"), Decimal(0))
    assert paid == min(used, from_credits)
    assert paid + made.returned == from_credits


@given(st.data())
def test_credit_notes_of_a_whole_invoice_sum_to_it_however_it_is_divided(data: st.DataObject) -> None:
    subtotal = data.draw(st.integers(1, 10_000))
    discount = data.draw(st.integers(0, subtotal))
    sums = Sums(subtotal, discount, data.draw(st.integers(0, 3000)))
    cuts = sorted({0, subtotal, *data.draw(st.lists(st.integers(1, subtotal), max_size=6))})
    notes = [credited(sums, start, end - start) for start, end in pairwise(cuts)]
    assert sum(note.net for note in notes) == subtotal - discount
    assert sum(note.tax for note in notes) == sums.tax
    assert all(note.net >= 0 and note.tax >= 0 for note in notes)
    with pytest.raises(ValueError, match="subtotal"):
        credited(sums, subtotal, 1)
