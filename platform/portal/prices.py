"""Prices in words: what a customer reads on the page of plans."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing.catalogue import Offer, PriceView
from billing.domain.money import MINOR_DIGITS, plain
from billing.domain.rating import Tier
from billing.models import EVERY_PLUGIN, BillingInterval, Entitlement, Funding
from portal.names import counted, plugin_title, reads_chinese, unit_name


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


def every(interval: str) -> str:
    """How often a fee is due."""
    return {BillingInterval.MONTH: _("a month"), BillingInterval.YEAR: _("a year")}.get(
        BillingInterval(interval), _("once")
    )


def included(offer: Offer) -> list[str]:
    """What a plan covers: quotas and what happens beyond them, the pace it takes, its features."""
    limits = [_limit(row) for row in offer.entitlements if row.limit is not None]
    rates = [
        _("%(count)s requests a minute") % {"count": row.rate_per_minute}
        for row in offer.entitlements
        if row.rate_per_minute
    ]
    flights = [
        _("%(count)s unfinished jobs at a time") % {"count": row.max_in_flight}
        for row in offer.entitlements
        if row.max_in_flight
    ]
    features = [(reads_chinese() and each.name_zh) or each.name for each in getattr(offer, "features", [])]
    prepaid = [_("Paid from credits that are bought before")] if offer.version.funding == Funding.PREPAID else []
    return list(dict.fromkeys([*limits, *rates, *flights, *features, *prepaid]))


def _limit(row: Entitlement) -> str:
    assert row.limit is not None
    what = counted(row.limit, row.meter.unit) if row.meter else number_format(plain(row.limit))
    where = "" if row.plugin == EVERY_PLUGIN else f" · {plugin_title(row.plugin)}"
    told = {"what": f"{what}{where}"}
    return _("%(what)s, then a stop") % told if row.hard else _("%(what)s included") % told


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
