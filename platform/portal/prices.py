"""Prices in words: what a customer reads on the page of plans."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing.catalogue import PriceView
from billing.domain.money import MINOR_DIGITS, plain
from billing.domain.rating import Tier
from billing.models import EVERY_PLUGIN, BillingInterval
from portal.names import plugin_title, unit_name


def heading(price: PriceView, interval: str) -> str:
    """What the price is for."""
    if price.unit is None:
        return _("Fee a year") if interval == BillingInterval.YEAR else _("Fee a month")
    if price.plugin == EVERY_PLUGIN:
        return unit_name(price.unit)
    return f"{unit_name(price.unit)} · {plugin_title(price.plugin)}"


def lines(price: PriceView) -> list[str]:
    """The price, one line a tier."""
    if not price.tiers:
        return [exact_money(price.exact, price.currency)]
    return list(_tier_lines(price.tiers, price.currency))


def exact_money(amount: Decimal, currency: str) -> str:
    """Exact minor units in major ones, with as many digits as the price needs: `0.005 USD`."""
    digits = MINOR_DIGITS.get(currency, 2)
    major = plain(amount.scaleb(-digits))
    places = max(digits, -int(major.as_tuple().exponent))
    return f"{number_format(major, decimal_pos=places)} {currency.upper()}"


def _tier_lines(tiers: tuple[Tier, ...], currency: str) -> Iterator[str]:
    above = Decimal(0)
    for tier in tiers:
        free = not tier.unit_amount and not tier.flat_amount
        price = _("included") if free else _("%(price)s each") % {"price": exact_money(tier.unit_amount, currency)}
        if tier.flat_amount:
            price = f"{exact_money(tier.flat_amount, currency)} + {price}"
        yield f"{_span(above, tier.up_to)}: {price}"
        above = tier.up_to or above


def _span(above: Decimal, up_to: Decimal | None) -> str:
    if up_to is None:
        return _("beyond %(above)s") % {"above": number_format(plain(above))} if above else _("all")
    return _("up to %(up_to)s") % {"up_to": number_format(plain(up_to))}
