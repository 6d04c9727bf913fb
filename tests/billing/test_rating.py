"""Rating against an oracle that counts the units one by one; each property has a control that a wrong rule breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.money import exact_arithmetic
from billing.domain.rating import (
    PriceModel,
    PriceRule,
    Tier,
    breakdown,
    marginal,
    rate,
)
from tests.billing.properties import (
    flat,
    fractions,
    graduated,
    never_dropping,
    odd_package,
    package,
    per_unit,
    refuted,
    rules,
    volume,
    wholes,
)

ZERO = Decimal(0)
Rate = Callable[[PriceRule, Decimal], Decimal]


def tier_of(rule: PriceRule, unit: int) -> Tier:
    return next(tier for tier in rule.tiers if tier.up_to is None or unit <= tier.up_to)


def oracle(rule: PriceRule, quantity: int) -> Decimal:
    """Unit by unit. Graduated: each pays its own tier, whoever is first there pays the entry. Volume: each pays the
    tier of the last, and the entry is paid once. Package: who finds no room in a package buys the next one."""
    cost, entered, room = ZERO, set(), ZERO
    for unit in range(1, quantity + 1):
        match rule.model:
            case PriceModel.FLAT:
                cost = rule.amount
            case PriceModel.PER_UNIT:
                cost += rule.amount
            case PriceModel.PACKAGE if unit > rule.free_units:
                cost += ZERO if room else rule.amount
                room = (room or rule.package_size) - 1
            case PriceModel.GRADUATED | PriceModel.VOLUME:
                tier = tier_of(rule, unit if rule.model == PriceModel.GRADUATED else quantity)
                cost += tier.unit_amount + (ZERO if tier in entered else tier.flat_amount)
                entered.add(tier)
    return cost


def is_unit_by_unit(rule: PriceRule, quantity: int, rated: Rate = rate) -> None:
    assert rated(rule, Decimal(quantity)) == oracle(rule, quantity)


@given(st.one_of(flat, per_unit, graduated, volume, package), wholes)
def test_the_price_is_that_of_the_units_one_by_one(rule: PriceRule, quantity: int) -> None:
    is_unit_by_unit(rule, quantity)


def entry_is_free(rule: PriceRule, quantity: Decimal) -> Decimal:
    return rate(replace(rule, tiers=tuple(replace(tier, flat_amount=ZERO) for tier in rule.tiers)), quantity)


def edge_belongs_to_the_next_tier(rule: PriceRule, quantity: Decimal) -> Decimal:
    tiers = (replace(tier, up_to=tier.up_to and tier.up_to - Decimal("0.000001")) for tier in rule.tiers)
    return rate(replace(rule, tiers=tuple(tiers)), quantity)


def ladders_are_confused(rule: PriceRule, quantity: Decimal) -> Decimal:
    other = {PriceModel.GRADUATED: PriceModel.VOLUME, PriceModel.VOLUME: PriceModel.GRADUATED}
    return rate(replace(rule, model=other[rule.model]), quantity)


def begun_package_is_free(rule: PriceRule, quantity: Decimal) -> Decimal:
    return max(ZERO, quantity - rule.free_units) // rule.package_size * rule.amount


def free_units_are_a_threshold(rule: PriceRule, quantity: Decimal) -> Decimal:
    return rate(replace(rule, free_units=ZERO), quantity) if quantity > rule.free_units else ZERO


@pytest.mark.parametrize(
    ("broken", "prices"),
    [
        (entry_is_free, graduated),
        (entry_is_free, volume),
        (edge_belongs_to_the_next_tier, graduated),
        (edge_belongs_to_the_next_tier, volume),
        (ladders_are_confused, graduated),
        (ladders_are_confused, volume),
        (begun_package_is_free, package),
        (free_units_are_a_threshold, package),
    ],
)
def test_control_a_broken_rule_is_not_that_of_the_units(broken: Rate, prices: st.SearchStrategy[PriceRule]) -> None:
    assert refuted(lambda rule, quantity: is_unit_by_unit(rule, quantity, broken), prices, wholes)


def exactly(rule: PriceRule, quantity: Decimal) -> Fraction:
    """The definition in fractions, which lose nothing."""
    units, cost, above = Fraction(quantity), Fraction(0), Fraction(0)
    if rule.model == PriceModel.PACKAGE:
        packages = ceil(max(Fraction(0), units - Fraction(rule.free_units)) / Fraction(rule.package_size))
        return packages * Fraction(rule.amount)
    if rule.model == PriceModel.VOLUME:
        tier = next(tier for tier in rule.tiers if tier.up_to is None or quantity <= tier.up_to)
        return units * Fraction(tier.unit_amount) + Fraction(tier.flat_amount) if units else cost
    for tier in rule.tiers:
        within = max(Fraction(0), (units if tier.up_to is None else min(units, Fraction(tier.up_to))) - above)
        cost += within * Fraction(tier.unit_amount) + (Fraction(tier.flat_amount) if within else 0)
        above += within
    return cost


@given(st.one_of(graduated, volume, package, odd_package), fractions)
def test_parts_of_units_are_priced_exactly(rule: PriceRule, quantity: Decimal) -> None:
    assert Fraction(rate(rule, quantity)) == exactly(rule, quantity)


def never_costs_less(rule: PriceRule, one: Decimal, other: Decimal) -> None:
    assert 0 <= rate(rule, min(one, other)) <= rate(rule, max(one, other))


@given(never_dropping, fractions, fractions)
def test_more_never_costs_less(rule: PriceRule, one: Decimal, other: Decimal) -> None:
    never_costs_less(rule, one, other)


@given(rules, fractions)
def test_no_price_is_negative(rule: PriceRule, quantity: Decimal) -> None:
    assert rate(rule, quantity) >= 0


def test_control_a_volume_price_may_drop_where_a_tier_begins() -> None:
    assert refuted(never_costs_less, volume, fractions, fractions)
    rule = PriceRule(PriceModel.VOLUME, tiers=(Tier(Decimal(10), Decimal(10)), Tier(None, Decimal(5))))
    assert (rate(rule, Decimal(10)), rate(rule, Decimal("10.000001"))) == (100, Decimal("50.000005"))
    assert marginal(rule, Decimal(10), Decimal(1)) == -45


def sums_up(rule: PriceRule, batches: list[Decimal], quoted: Callable[..., Decimal] = marginal) -> None:
    """However use is split into jobs, and in whatever order they come."""
    for order in (batches, batches[::-1], sorted(batches)):
        position = cost = ZERO
        with exact_arithmetic():
            for batch in order:
                cost += quoted(rule, position, batch)
                position += batch
        assert cost == rate(rule, position)


batches = st.lists(fractions, max_size=8)


@given(rules, batches)
def test_the_quotes_of_jobs_sum_to_the_price_of_the_whole(rule: PriceRule, jobs: list[Decimal]) -> None:
    sums_up(rule, jobs)


def test_control_jobs_priced_alone_or_rounded_do_not_sum_to_the_price_of_the_whole() -> None:
    assert refuted(lambda rule, jobs: sums_up(rule, jobs, lambda rule, _, job: rate(rule, job)), rules, batches)
    rounded = lambda *job: marginal(*job).to_integral_value()  # noqa: E731
    assert refuted(lambda rule, jobs: sums_up(rule, jobs, rounded), rules, batches)


@given(rules, fractions)
def test_the_breakdown_adds_up_in_quantity_and_price(rule: PriceRule, quantity: Decimal) -> None:
    parts = breakdown(rule, quantity)
    with exact_arithmetic():
        assert sum((part.quantity for part in parts), ZERO) == quantity
        assert sum((part.amount for part in parts), ZERO) == rate(rule, quantity)
        for part in parts:
            times = part.quantity if part.packages is None else part.packages
            assert part.amount == part.flat_amount + times * part.unit_amount


@given(rules)
def test_nothing_costs_nothing(rule: PriceRule) -> None:
    assert rate(rule, ZERO) == 0
    assert breakdown(rule, ZERO) == []


@pytest.mark.parametrize("function", [rate, breakdown])
def test_a_negative_quantity_has_no_price(function: Callable[[PriceRule, Decimal], object]) -> None:
    with pytest.raises(ValueError, match="negative"):
        function(PriceRule(PriceModel.PER_UNIT, Decimal(1)), Decimal(-1))


def test_included_units_are_those_that_cost_nothing_wherever_they_stand() -> None:
    rule = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(100), ZERO), Tier(None, Decimal(300))))
    assert rule.included == 100
    assert (rate(rule, Decimal(100)), rate(rule, Decimal(101))) == (0, 300)
    assert replace(rule, tiers=(Tier(Decimal(100), Decimal(1)), Tier(None, Decimal(300)))).included == 0
    assert replace(rule, model=PriceModel.VOLUME).included == 0
    assert PriceRule(PriceModel.PACKAGE, Decimal(9), (), Decimal(10), Decimal(5)).included == 5


@pytest.mark.parametrize("model", list(PriceModel))
def test_only_a_price_per_unit_is_the_same_at_every_place(model: PriceModel) -> None:
    assert PriceRule(model).depends_on_position == (model != PriceModel.PER_UNIT)
