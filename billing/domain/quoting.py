"""Quotes that bind: what a job costs, told before it runs. Exact minor units.

While a job is admitted, other jobs hold places that they may give back. A cheap tier must be earned by finished work,
and a dear one must not be escaped by work that is under way: so a job is priced at two places, after the finished
units alone and after the held ones too, and the dearer price is its quote. The ceiling of the invoice, the price of
all finished units in one go, takes back what the quotes have too much.
"""

from __future__ import annotations

from decimal import Decimal

from billing.domain.money import ZERO, exact_arithmetic
from billing.domain.rating import PriceRule, rate


def quote(rule: PriceRule, used: Decimal, reserved: Decimal, quantity: Decimal, included: Decimal = ZERO) -> Decimal:
    """The dearer of the prices of `quantity` units after `used` and after `used + reserved`; never negative.

    Raises `ValueError` for a negative number of units.
    """
    if min(used, reserved, quantity, included) < 0:
        raise ValueError("a quantity can not be negative")
    with exact_arithmetic():
        places = (used, used + reserved)
        return max(ZERO, *(marginal_beyond(rule, place, quantity, included) for place in places))


def marginal_beyond(rule: PriceRule, position: Decimal, quantity: Decimal, included: Decimal = ZERO) -> Decimal:
    """The price of the units in (position, position + quantity], of which the first `included` are free."""
    with exact_arithmetic():
        whole = rate_beyond(rule, position + quantity, included)
        return whole - rate_beyond(rule, position, included)


def rate_beyond(rule: PriceRule, quantity: Decimal, included: Decimal = ZERO) -> Decimal:
    """The price of `quantity` units of which the first `included`, those of add-ons, come before the price's ladder."""
    with exact_arithmetic():
        return rate(rule, max(ZERO, quantity - included))
