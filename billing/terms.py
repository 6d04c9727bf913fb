"""What a subscription says about one plugin: the entitlement, the meter and the price that apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from billing.domain.rating import PriceRule
from billing.errors import FeatureNotInPlan
from billing.models import EVERY_PLUGIN, Entitlement, Meter, PlanVersion, Price, VersionState

RowT = TypeVar("RowT", Price, Entitlement)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How one plugin's work is counted and priced."""

    entitlement: Entitlement
    price: Price
    meter: Meter
    rule: PriceRule


def find(version: PlanVersion, plugin: str, unit: str, currency: str | None = None) -> Terms:
    """The terms of a plugin with billing unit `unit`, in the version's own currency where none is given.

    Raises `FeatureNotInPlan` when one of the three is missing.
    """
    look_up = _find.__wrapped__ if version.state == VersionState.DRAFT else _find
    return look_up(version.pk, plugin, unit, currency or version.currency)


# for good: the database does not let a version change once it was published
@lru_cache(maxsize=4096)
def _find(version: UUID, plugin: str, unit: str, currency: str) -> Terms:
    entitlement = entitlement_for(version, plugin)
    if entitlement is None:
        raise FeatureNotInPlan(plugin=plugin)
    slug = entitlement.meter.slug if entitlement.meter else unit
    prices = Price.objects.select_related("meter").filter(plan_version_id=version, meter__slug=slug, currency=currency)
    price = most_specific(prices.filter(plugin__in=(plugin, EVERY_PLUGIN)))
    if price is None or price.meter is None:
        raise FeatureNotInPlan("The plan has no price for %(plugin)s by %(unit)s.", plugin=plugin, unit=unit)
    return Terms(entitlement, price, price.meter, price.rule)


def fee(version: PlanVersion, currency: str) -> Price | None:
    """The price of a period of a version; None where it has none in the currency."""
    look_up = _fee.__wrapped__ if version.state == VersionState.DRAFT else _fee
    return look_up(version.pk, currency)


@lru_cache(maxsize=4096)
def _fee(version: UUID, currency: str) -> Price | None:
    return Price.objects.filter(plan_version_id=version, meter__isnull=True, currency=currency).order_by("pk").first()


def prices(ids: Iterable[UUID]) -> dict[UUID, Price]:
    """Prices of published versions, by which alone work is done; they never change."""
    return {each: _price(each) for each in ids}


@lru_cache(maxsize=4096)
def _price(price_id: UUID) -> Price:
    return Price.objects.get(pk=price_id)


def entitlement_for(version: UUID, plugin: str) -> Entitlement | None:
    """The version's entitlement for a plugin, with its meter; None where it does not cover the plugin."""
    rows = Entitlement.objects.select_related("meter").filter(plan_version_id=version)
    return most_specific(rows.filter(plugin__in=(plugin, EVERY_PLUGIN)))


def most_specific(rows: Iterable[RowT]) -> RowT | None:
    """The row that names the plugin, else the one for every plugin, else None."""
    return min(rows, key=lambda row: row.plugin == EVERY_PLUGIN, default=None)
