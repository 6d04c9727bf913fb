"""The provider's copy of the catalogue: which objects it needs, how far each is, and making them.

Published versions never change, so a copy is made once; a new version has prices of its own there too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid5

import structlog

from billing import clock, providers
from billing.domain.provider_prices import fee_terms, metered_terms, reproducible
from billing.models import (
    EVERY_PLUGIN,
    Aggregation,
    BillingInterval,
    CatalogueObject,
    Coupon,
    PlanVersion,
    Price,
    SyncState,
    VersionState,
)
from billing.providers.base import BillingProvider, Capability, Rejected, TryAgain
from billing.providers.orders import CouponOrder, MeterOrder, PriceOrder
from tenants.context import operator_context

log = structlog.get_logger(__name__)

PRICE, METER, PRODUCT, COUPON = "price", "meter", "product", "coupon"
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class SyncRow:
    """How far the copy of one object is."""

    kind: str
    name: str
    external_id: str
    state: str
    error: str


def request(version: PlanVersion) -> int:
    """Note what the outside providers lack of a version; how many objects. Call when it is published."""
    noted = 0
    for provider in _metering():
        prices = [price for price in version.prices.select_related("meter") if copied(provider, price)]
        noted += _note(provider, PRICE, [price.id for price in prices])
    return noted


def sync(*, refused_too: bool = True) -> list[SyncRow]:
    """Make what is missing of the catalogue on offer and in use; how each object stands. Repeating it makes nothing.

    What the provider has refused is tried again only where `refused_too`: by itself it does not get better. No
    transaction is open during a call to a provider.
    """
    rows: list[SyncRow] = []
    for provider in _metering():
        with operator_context():
            prices, coupons = _offered()
            left_out = set() if refused_too else _ids(provider, SyncState.REFUSED)
        rows += [
            _sync_price(provider, price) for price in prices if copied(provider, price) and price.id not in left_out
        ]
        rows += [_sync_coupon(provider, coupon) for coupon in coupons if coupon.id not in left_out]
    return rows


def sync_pending() -> int:
    """Make what an outside provider lacks of the catalogue, if anything; how many objects wait still."""
    if not any(_lacking(provider) for provider in _metering()):
        return 0
    return sum(row.state not in (SyncState.SYNCED, SyncState.REFUSED) for row in sync(refused_too=False))


def request_again(rows: Iterable[CatalogueObject]) -> None:
    """Let copies be looked up, and made where they are gone, at the next sync."""
    ids = [row.pk for row in rows]
    CatalogueObject.objects.filter(pk__in=ids).update(state=SyncState.PENDING, error="")


def ensure(version: PlanVersion, provider: BillingProvider) -> None:
    """Make what a version lacks, now: somebody is about to subscribe to it. Call outside of transactions."""
    for price in version.prices.select_related("meter", "plan_version__plan"):
        if copied(provider, price):
            _sync_price(provider, price)


def _lacking(provider: BillingProvider) -> bool:
    with operator_context():
        prices, coupons = _offered()
        settled = _ids(provider, SyncState.SYNCED, SyncState.REFUSED)
    wanted = {price.id for price in prices if copied(provider, price)} | {coupon.id for coupon in coupons}
    return bool(wanted - settled)


def _ids(provider: BillingProvider, *states: SyncState) -> set[UUID]:
    """The prices and coupons whose copies are in one of the states."""
    rows = CatalogueObject.objects.filter(
        provider=provider.name, livemode=provider.livemode, state__in=states, kind__in=(PRICE, COUPON)
    )
    return set(rows.values_list("local_id", flat=True))


def _offered() -> tuple[list[Price], list[Coupon]]:
    """Every price that is or was on offer, and every coupon that counts."""
    prices = Price.objects.select_related("meter", "plan_version__plan")
    return list(prices.exclude(plan_version__state=VersionState.DRAFT)), list(Coupon.objects.filter(active=True))


def state(version: PlanVersion, provider: str = providers.STRIPE) -> dict[UUID, CatalogueObject]:
    """How the copies of a version's prices stand, by price."""
    rows = CatalogueObject.objects.filter(provider=provider, kind=PRICE, local_id__in=version.prices.values("id"))
    return {row.local_id: row for row in rows}


def external_id(provider: BillingProvider, kind: str, local_id: UUID) -> str:
    """The provider's id of a copy that is done, else nothing."""
    return external_ids(provider, kind, [local_id]).get(local_id, "")


def external_ids(provider: BillingProvider, kind: str, local_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The provider's ids of the copies that are done, by ours."""
    rows = CatalogueObject.objects.filter(
        provider=provider.name, livemode=provider.livemode, kind=kind, local_id__in=list(local_ids),
        state=SyncState.SYNCED,
    )  # fmt: skip
    return dict(rows.order_by().values_list("local_id", "external_id"))


def copied(provider: BillingProvider, price: Price) -> bool:
    """Whether a provider gets a copy of a price: it must count the currency as we do, and know the model."""
    return providers.collects(provider.name, price.currency) and price_order(price) is not None


def price_order(price: Price) -> PriceOrder | None:
    """A price as a provider takes it; None for one that it can not reproduce, which our invoice charges alone."""
    version = price.plan_version
    if version.interval == BillingInterval.NONE:
        return None
    meter = stream_of(price)
    if price.meter is not None and meter is None:
        return None
    terms = fee_terms(price.rule) if price.meter is None else metered_terms(price.rule)
    return PriceOrder(
        price.id, lookup_key(price), version.plan.slug, version.plan.name, version.plan_id, price.currency,
        version.interval, terms, meter,
    )  # fmt: skip


def stream_of(price: Price) -> MeterOrder | None:
    """The provider's meter behind a price: one for each meter and plugin, so that no use counts for two prices.

    None for the fee, for a price or a meter that the provider has no like of.
    """
    meter = price.meter
    if meter is None or meter.aggregation not in (Aggregation.COUNT, Aggregation.SUM) or not reproducible(price.rule):
        return None
    every = price.plugin == EVERY_PLUGIN
    name = f"assay_{meter.slug}" if every else f"assay_{meter.slug}_{price.plugin}"
    if len(name) > LONGEST_NAME:
        name = f"assay_{sha256(name.encode()).hexdigest()}"
    shown = meter.slug if every else f"{meter.slug}, {price.plugin}"
    # each event carries what our meter made of the work: one for an analysis that is counted
    return MeterOrder(uuid5(meter.id, price.plugin), name, shown, "sum")


def lookup_key(price: Price) -> str:
    """One for each price of each version."""
    version = price.plan_version
    what = price.meter.slug if price.meter else "fee"
    plugin = "all" if price.plugin == EVERY_PLUGIN else price.plugin
    return f"assay_{version.plan.slug}_v{version.number}_{what}_{plugin}_{price.currency}"[:200]


def _metering() -> list[BillingProvider]:
    found = [providers.by_name(name) for name in providers.configured()]
    return [provider for provider in found if Capability.CATALOGUE in provider.capabilities]


def _note(provider: BillingProvider, kind: str, ids: list[UUID]) -> int:
    rows = [
        CatalogueObject(provider=provider.name, livemode=provider.livemode, kind=kind, local_id=local_id)
        for local_id in ids
    ]
    CatalogueObject.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _sync_price(provider: BillingProvider, price: Price) -> SyncRow:
    order = price_order(price)
    assert order is not None
    known = _done(provider, PRICE, price.id)
    if known:
        return SyncRow(PRICE, order.lookup_key, known, SyncState.SYNCED, "")
    try:
        product = provider.sync_product(order.plan_id, order.plan_slug, order.plan_name)
        _write(provider, PRODUCT, order.plan_id, product)
        if order.meter is not None:
            _write(provider, METER, order.meter.stream_id, provider.sync_meter(order.meter))
        made = provider.sync_price(order)
    except (TryAgain, Rejected) as failure:
        return _failed(provider, PRICE, price.id, order.lookup_key, failure)
    _write(provider, PRICE, price.id, made)
    return SyncRow(PRICE, order.lookup_key, made, SyncState.SYNCED, "")


def _sync_coupon(provider: BillingProvider, coupon: Coupon) -> SyncRow:
    known = _done(provider, COUPON, coupon.id)
    if known:
        return SyncRow(COUPON, coupon.code, known, SyncState.SYNCED, "")
    order = CouponOrder(
        coupon.id, coupon.code, coupon.percent, coupon.amount, coupon.currency, coupon.duration, coupon.periods,
        coupon.max_redemptions, coupon.expires_at,
    )  # fmt: skip
    try:
        made = provider.sync_coupon(order)
    except (TryAgain, Rejected) as failure:
        return _failed(provider, COUPON, coupon.id, coupon.code, failure)
    _write(provider, COUPON, coupon.id, made)
    return SyncRow(COUPON, coupon.code, made, SyncState.SYNCED, "")


def _done(provider: BillingProvider, kind: str, local_id: UUID) -> str:
    with operator_context():
        return external_id(provider, kind, local_id)


def _write(provider: BillingProvider, kind: str, local_id: UUID, external: str) -> None:
    values = {"external_id": external, "state": SyncState.SYNCED, "error": "", "synced_at": clock.now()}
    _put(provider, kind, local_id, values)


def _failed(provider: BillingProvider, kind: str, local_id: UUID, name: str, failure: TryAgain | Rejected) -> SyncRow:
    log.warning("billing.sync_failed", kind=kind, name=name, reason=str(failure))
    state = SyncState.REFUSED if isinstance(failure, Rejected) else SyncState.FAILED
    _put(provider, kind, local_id, {"state": state, "error": str(failure)[:300]})
    return SyncRow(kind, name, "", state, str(failure))


def _put(provider: BillingProvider, kind: str, local_id: UUID, values: dict[str, object]) -> None:
    with operator_context():
        _note(provider, kind, [local_id])
        CatalogueObject.objects.filter(
            provider=provider.name, livemode=provider.livemode, kind=kind, local_id=local_id
        ).update(**values)
