"""How the portal writes ids, money and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import template
from django.utils.formats import date_format, number_format
from django.utils.timezone import get_current_timezone_name

from billing.catalogue import Offer, PriceView
from billing.domain.money import in_major_units, plain, round_half_up
from billing.models import Plan
from inference import notes
from inference.domain.advice import Change, Told
from portal import beside, names, prices
from tenants.ids import encode

register = template.Library()


@register.filter
def public(value: UUID, prefix: str) -> str:
    """The public form of an id."""
    return encode(prefix, value)


@register.filter
def money(amount: int, currency: str) -> str:
    """Minor units as a person reads them: `5.00 USD`."""
    major = in_major_units(amount, currency)
    places = max(-int(major.as_tuple().exponent), 0)
    return f"{number_format(major, decimal_pos=places)} {currency.upper()}"


@register.filter
def signed_money(amount: int, currency: str) -> str:
    """A difference: `+5.00 USD`, `−5.00 USD`."""
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    return f"{sign}{money(abs(amount), currency)}"


@register.filter
def exact_money(amount: Decimal, currency: str) -> str:
    """Exact minor units as a person reads them, with as many digits as they have: `0.005 USD`."""
    return prices.exact_money(amount, currency)


@register.filter
def rounded_money(amount: Decimal, currency: str) -> str:
    """Exact minor units, half up to whole ones."""
    return money(round_half_up(amount), currency)


@register.filter
def fee_of(offer: Offer) -> PriceView | None:
    """The price of a period's fee, None where there is none."""
    return next((price for price in offer.prices if price.unit is None), None)


@register.filter
def ladder(offer: Offer) -> list[PriceView]:
    """The prices of use."""
    return [price for price in offer.prices if price.unit is not None]


@register.filter
def included_in(offer: Offer) -> list[str]:
    """What a plan covers, one sentence each."""
    return prices.included(offer)


@register.filter
def every(interval: str) -> str:
    """How often a fee is due."""
    return prices.every(interval)


@register.filter
def address(billed_to: Mapping[str, Any]) -> list[str]:
    """The lines of an address as it stands on an invoice."""
    return names.address(billed_to)


@register.filter
def payment_method(method: str) -> str:
    """How a payment came."""
    return names.payment_method(method)


@register.filter
def price_heading(price: PriceView, interval: str) -> str:
    """What a price is for."""
    return prices.heading(price, interval)


@register.filter
def price_lines(price: PriceView) -> list[str]:
    """A price in words, one line a tier."""
    return prices.lines(price)


@register.filter
def plugin_title(slug: str) -> str:
    """An analysis as its plugin calls it."""
    return names.plugin_title(slug)


@register.filter
def unit_name(unit: str) -> str:
    """A billing unit as a customer calls it."""
    return names.unit_name(unit)


@register.filter
def counted(quantity: Decimal, unit: str) -> str:
    """A quantity with its unit."""
    return names.counted(quantity, unit)


@register.filter
def plan_name(plan: Plan) -> str:
    """A plan in the reader's language."""
    return names.plan_name(plan)


@register.filter(expects_localtime=True)
def moment(value: datetime) -> str:
    """Date, time and the zone they are told in: without it a time from elsewhere reads as a wrong one."""
    return f"{date_format(value, 'DATETIME_FORMAT')} {get_current_timezone_name()}"


@register.filter
def quantity(value: Decimal | None) -> str:
    """A quantity without zeros at the end."""
    return "" if value is None else number_format(plain(value))


@register.filter
def short_day(value: date) -> str:
    """A day of a chart: `Nov 7`, `11月7日`."""
    return date_format(value, "n月j日" if names.reads_chinese() else "M j")


@register.filter
def share(used: Decimal, limit: Decimal) -> int:
    """Percent of a limit, at most 100."""
    return 100 if not limit else min(100, int(100 * used / limit))


@register.filter
def entry(values: Mapping[str, Any], key: object) -> Any:
    """A member of a mapping by a key that the template knows."""
    return values.get(str(key))


@register.filter
def told(sentence: Told) -> str:
    """A sentence of the rules beside the network, in the reader's language."""
    return notes.told(sentence)


@register.filter
def course(change: Change) -> str:
    """What became of a lesion since the earlier study."""
    return beside.course(change)


@register.filter
def sizes(change: Change) -> str:
    """Size before and now, with the growth."""
    return beside.sizes(change)


@register.filter
def dot(value: float) -> str:
    """A number for SVG: always with a point, whatever the language."""
    return f"{value:.1f}"


@register.filter
def exact(value: float) -> str:
    """A number for a field: with a point, and without zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
