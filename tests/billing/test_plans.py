"""What can be published."""

from __future__ import annotations

from decimal import Decimal

from billing.domain.plans import EntitlementTerm, PriceTerm, faults
from billing.domain.rating import PriceModel, PriceRule, Tier

LADDER = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(10), Decimal(2)), Tier(None, Decimal(1))))
FIXED = PriceRule(PriceModel.PER_UNIT, Decimal(5))
EVERYTHING = EntitlementTerm("*", None)


def test_a_price_and_an_entitlement_for_every_plugin_are_a_plan() -> None:
    assert list(faults([PriceTerm("*", "image", LADDER)], [EVERYTHING])) == []


def test_fixed_prices_of_their_own_may_stand_beside_each_other() -> None:
    prices = [PriceTerm("*", "image", FIXED), PriceTerm("digits", "image", FIXED)]
    assert list(faults(prices, [EVERYTHING])) == []


def test_work_at_another_price_must_not_climb_a_ladder() -> None:
    prices = [PriceTerm("*", "image", LADDER), PriceTerm("digits", "image", FIXED)]
    assert list(faults(prices, [EVERYTHING])) == ["beside the graduated price by image, entitle digits separately"]
    assert list(faults(prices, [EVERYTHING, EntitlementTerm("digits", None)])) == []


def test_a_plan_without_entitlements_covers_nothing() -> None:
    assert list(faults([PriceTerm("*", "image", FIXED)], [])) == ["it covers no plugin"]


def test_an_entitlement_without_a_price_is_a_fault() -> None:
    assert list(faults([PriceTerm("*", "image", FIXED)], [EntitlementTerm("*", "analysis")])) == ["* has no price"]
    assert list(faults([PriceTerm("*", None, PriceRule(PriceModel.FLAT, Decimal(9)))], [EVERYTHING])) == [
        "* has no price"
    ]


def test_a_price_that_can_not_be_rated_is_a_fault() -> None:
    broken = PriceRule(PriceModel.GRADUATED, tiers=(Tier(Decimal(10), Decimal(2)),))
    (fault,) = faults([PriceTerm("*", "image", broken)], [EVERYTHING])
    assert fault == "price of * by image: the last tier must be open: up_to null"
