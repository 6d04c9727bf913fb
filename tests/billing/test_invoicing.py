"""How quotes become lines: what binds, and what nobody pays."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.invoicing import Fee, UsageGroup, fee_lines, usage_lines
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
