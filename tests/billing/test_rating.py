"""Rating against an oracle that counts the units one by one."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.price_json import tiers_from_json
from billing.domain.rating import (
    InvalidPrice,
    PriceModel,
    PriceRule,
    Tier,
    breakdown,
    check,
    marginal,
    rate,
)

amounts = st.decimals(min_value=0, max_value=1000, places=12)
wholes = st.integers(min_value=0, max_value=60)
fractions = st.decimals(min_value=0, max_value=60, places=6)
ZERO = Decimal(0)


@st.composite
def graduated(draw: st.DrawFn) -> PriceRule:
    bounds = sorted(draw(st.sets(st.integers(min_value=1, max_value=50), max_size=4)))
    limits: Iterable[Decimal | None] = [*(Decimal(bound) for bound in bounds), None]
    return PriceRule(PriceModel.GRADUATED, tiers=tuple(Tier(limit, draw(amounts), draw(amounts)) for limit in limits))


per_unit = st.builds(lambda amount: PriceRule(PriceModel.PER_UNIT, amount), amounts)
flat = st.builds(lambda amount: PriceRule(PriceModel.FLAT, amount), amounts)
rules = st.one_of(graduated(), per_unit, flat)


def oracle(rule: PriceRule, quantity: int) -> Decimal:
    """Each unit pays the price of the first tier that reaches it; whoever is first in a tier pays its entry."""
    if rule.model == PriceModel.FLAT:
        return rule.amount if quantity else ZERO
    if rule.model == PriceModel.PER_UNIT:
        return sum((rule.amount for _ in range(quantity)), ZERO)
    cost, entered = ZERO, set()
    for unit in range(1, quantity + 1):
        number, tier = next(
            (number, tier) for number, tier in enumerate(rule.tiers) if tier.up_to is None or unit <= tier.up_to
        )
        cost += tier.unit_amount + (ZERO if number in entered else tier.flat_amount)
        entered.add(number)
    return cost


@given(rules, wholes)
def test_the_price_is_that_of_the_units_one_by_one(rule: PriceRule, quantity: int) -> None:
    assert rate(rule, Decimal(quantity)) == oracle(rule, quantity)


@given(rules, fractions, fractions)
def test_more_never_costs_less(rule: PriceRule, one: Decimal, other: Decimal) -> None:
    assert 0 <= rate(rule, min(one, other)) <= rate(rule, max(one, other))


@given(rules, st.lists(fractions, max_size=8))
def test_however_use_is_split_into_jobs_their_quotes_sum_to_the_price_of_the_whole(
    rule: PriceRule, batches: list[Decimal]
) -> None:
    position, quoted = ZERO, ZERO
    for batch in batches:
        quoted += marginal(rule, position, batch)
        position += batch
    assert quoted == rate(rule, position)


@given(rules, st.permutations([Decimal("0.5"), Decimal(3), Decimal("7.25"), Decimal(20)]))
def test_the_order_of_jobs_does_not_change_their_sum(rule: PriceRule, batches: list[Decimal]) -> None:
    position, quoted = ZERO, ZERO
    for batch in batches:
        quoted += marginal(rule, position, batch)
        position += batch
    assert quoted == rate(rule, Decimal("30.75"))


@given(graduated(), fractions)
def test_the_breakdown_adds_up_in_quantity_and_price(rule: PriceRule, quantity: Decimal) -> None:
    parts = breakdown(rule, quantity)
    assert sum((part.quantity for part in parts), ZERO) == quantity
    assert sum((part.amount for part in parts), ZERO) == rate(rule, quantity)


@given(rules)
def test_nothing_costs_nothing(rule: PriceRule) -> None:
    assert rate(rule, ZERO) == 0


def test_a_negative_quantity_has_no_price() -> None:
    with pytest.raises(ValueError, match="negative"):
        rate(PriceRule(PriceModel.PER_UNIT, Decimal(1)), Decimal(-1))


def test_included_units_are_the_width_of_a_free_first_tier() -> None:
    rule = graduated_from(("100", "0"), (None, "300"))
    assert rule.included == 100
    assert rate(rule, Decimal(100)) == 0
    assert rate(rule, Decimal(101)) == 300
    assert graduated_from(("100", "1"), (None, "300")).included == 0


def graduated_from(*tiers: tuple[str | None, str]) -> PriceRule:
    rows = [{"up_to": up_to, "unit_amount": amount} for up_to, amount in tiers]
    return PriceRule(PriceModel.GRADUATED, tiers=tiers_from_json(rows))


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (("10", "1"),),
        (("10", "1"), ("10", "2"), (None, "3")),
        (("20", "1"), ("10", "2"), (None, "3")),
        (("0", "1"), (None, "3")),
        ((None, "1"), (None, "3")),
        (("10", "-1"), (None, "3")),
        (("NaN", "1"), (None, "3")),
        (("10", "Infinity"), (None, "3")),
        (("0.0000001", "1"), (None, "3")),
        ((None, "0.0000000000001"),),
    ],
)
def test_tiers_that_leave_a_quantity_without_one_price_are_refused(tiers: tuple[tuple[str | None, str], ...]) -> None:
    with pytest.raises(InvalidPrice):
        check(graduated_from(*tiers))


@pytest.mark.parametrize(
    "rule",
    [
        PriceRule(PriceModel.PER_UNIT, Decimal(-1)),
        PriceRule(PriceModel.PER_UNIT, Decimal(1), (Tier(None, Decimal(1)),)),
        PriceRule(PriceModel.GRADUATED, Decimal(1), (Tier(None, Decimal(1)),)),
    ],
)
def test_a_price_that_says_two_things_is_refused(rule: PriceRule) -> None:
    with pytest.raises(InvalidPrice):
        check(rule)


@given(rules)
def test_sound_prices_pass(rule: PriceRule) -> None:
    check(rule)


@pytest.mark.parametrize("value", [0.1, True, None, "ten", [1]])
def test_a_float_or_no_number_at_all_is_refused_in_tiers(value: object) -> None:
    with pytest.raises(InvalidPrice):
        tiers_from_json([{"up_to": None, "unit_amount": value}])
