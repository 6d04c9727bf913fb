"""Plans on offer: draft, publish, subscribe, and what a plugin costs a tenant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from billing import catalogue_sync, clock, counters, currencies, cycle, subscriptions, terms
from billing.domain import plans
from billing.domain.money import ZERO, round_half_up
from billing.domain.quoting import quote
from billing.domain.rating import InvalidPrice, Tier
from billing.errors import FeatureNotInPlan, InvalidPlan, TrialUsed, UnknownPlan, VersionPublished
from billing.models import Entitlement, Feature, PlanFeature, PlanVersion, Price, Subscription, VersionState
from tenants import audit
from tenants.context import operator_context
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price as it is shown: `exact` minor units for the next unit, `amount` the same half up.

    `unit` is what one is, "analysis" for a price by finished analyses; None for the fee of a period.
    """

    plugin: str
    unit: str | None
    amount: int
    exact: Decimal
    currency: str
    model: str
    tiers: tuple[Tier, ...]
    included: Decimal


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan on offer with its prices in `currency`; `currencies` are all that it is sold in, its own first."""

    version: PlanVersion
    prices: list[PriceView]
    entitlements: list[Entitlement]
    currency: str
    currencies: list[str]
    features: list[Feature]


def published(slug: str, *, add_on: bool = False) -> PlanVersion:
    """The version of a plan, or of an add-on, that is on offer. Raises `UnknownPlan`."""
    versions = PlanVersion.objects.select_related("plan").filter(plan__slug=slug, plan__is_addon=add_on)
    found = versions.filter(state=VersionState.PUBLISHED).first()
    if found is None:
        raise UnknownPlan(plan=slug)
    return found


def offers(currency: str | None = None, *, add_ons: bool = False) -> list[Offer]:
    """All plans, or all add-ons, on offer, in the order in which they are shown.

    With a currency, only those that are sold in it; without one, each in its own.
    """
    versions = PlanVersion.objects.select_related("plan").prefetch_related(
        "prices__meter", "entitlements__meter", "features__feature"
    )
    on_offer = versions.filter(state=VersionState.PUBLISHED, plan__is_addon=add_ons)
    shown = [offer(version, currency) for version in on_offer.order_by("plan__position", "plan__slug")]
    return [each for each in shown if currency in (None, *each.currencies)]


def offer(version: PlanVersion, currency: str | None = None) -> Offer:
    """One version with its prices in one currency; for a draft too, as a preview."""
    shown = currency or version.currency
    rows = list(version.prices.all())
    prices = [_view(price, shown, _exact(price)) for price in rows if price.currency == shown]
    sold = sorted({price.currency for price in rows}, key=lambda each: (each != version.currency, each))
    features = [each.feature for each in version.features.select_related("feature")]
    return Offer(version, prices, list(version.entitlements.all()), shown, sold, features)


def has_feature(tenant_id: UUID, slug: str) -> bool:
    """Whether the tenant's plan has a feature; nobody has it without a subscription."""
    subscription = subscriptions.subscription_of(tenant_id)
    return subscription is not None and subscription.plan_version.features.filter(feature__slug=slug).exists()


def price_for(tenant_id: UUID, plugin: str, unit: str) -> PriceView | None:
    """What the next unit of a plugin costs a tenant; None without a subscription or out of its plan."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        return None
    try:
        found = terms.find(subscription.plan_version, plugin, unit, subscription.currency)
    except FeatureNotInPlan:
        return None
    counter = counters.look(subscription, found, subscriptions.period_of(subscription, clock.now()))
    place = counter.base + counter.used
    exact = quote(found.rule, place, counter.reserved, terms.ONE, counter.included)
    return _view(found.price, subscription.currency, exact)


def subscribe(tenant: Tenant | UUID, plan_slug: str, *, actor: str, currency: str | None = None) -> Subscription:
    """Begin a subscription now; one to another version, or in another currency, ends now and is invoiced.

    Call inside the tenant's or the operator's scope; `changes.change_plan` keeps the subscription instead. Raises
    `UnknownPlan`, `TrialUsed`, `CurrencyNotOffered` and `CurrencyFixed`.
    """
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.id
    version = published(plan_slug)
    with transaction.atomic():
        current = subscriptions.subscription_of(tenant_id)
        if current is not None and current.plan_version_id == version.id and currency in (None, current.currency):
            return current
        if version.plan.is_trial and subscriptions.has_tried(tenant_id):
            raise TrialUsed
        if current is not None:
            cycle.end(current, actor=actor)
        chosen = currencies.choose(tenant_id, version, currency)
        return subscriptions.start(tenant_id, version, actor=actor, currency=chosen)


def publish(version: PlanVersion, *, actor: str) -> PlanVersion:
    """Put a draft on offer, in the place of the version before it; from now on it never changes.

    Raises `VersionPublished` for what is no draft, and `InvalidPlan` with all reasons.
    """
    with operator_context():
        locked = PlanVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
        if locked.state != VersionState.DRAFT:
            raise VersionPublished
        reasons = "; ".join(plan_faults(locked))
        if reasons:
            raise InvalidPlan(reason=reasons)
        before = PlanVersion.objects.filter(plan=locked.plan_id, state=VersionState.PUBLISHED)
        before.update(state=VersionState.RETIRED)
        PlanVersion.objects.filter(pk=locked.pk).update(state=VersionState.PUBLISHED, published_at=clock.now())
        catalogue_sync.request(locked)
        audit.record("plan.published", tenant_id=None, actor=actor, subject=str(version))
    version.refresh_from_db()
    return version


def plan_faults(version: PlanVersion) -> list[str]:
    """Why a draft can not be published; empty when it can."""
    try:
        prices = [
            plans.PriceTerm(price.plugin, price.meter.slug if price.meter else None, price.rule, price.currency)
            for price in version.prices.select_related("meter")
        ]
    except InvalidPrice as error:
        return [str(error)]
    entitlements = [
        plans.EntitlementTerm(each.plugin, each.meter.slug if each.meter else None, each.limit)
        for each in version.entitlements.select_related("meter")
    ]
    term = plans.PlanTerm(
        version.currency, version.interval, prices, entitlements,
        is_addon=version.plan.is_addon, is_trial=version.plan.is_trial, trial_days=version.trial_days,
    )  # fmt: skip
    return list(plans.version_faults(term))


def draft_from(version: PlanVersion, *, actor: str) -> PlanVersion:
    """A new draft with the terms of `version`; the plan's draft, unchanged, where it has one already."""
    with operator_context():
        existing = PlanVersion.objects.filter(plan=version.plan_id, state=VersionState.DRAFT).first()
        if existing is not None:
            return existing
        last = PlanVersion.objects.filter(plan=version.plan_id).aggregate(last=Max("number"))["last"]
        draft = PlanVersion.objects.create(
            plan_id=version.plan_id, number=last + 1, currency=version.currency, interval=version.interval,
            funding=version.funding, trial_days=version.trial_days,
        )  # fmt: skip
        _copy(version.prices.all(), draft)
        _copy(version.entitlements.all(), draft)
        _copy(version.features.all(), draft)
        audit.record("plan.drafted", tenant_id=None, actor=actor, subject=str(draft))
    return draft


def _copy(rows: Iterable[Price | Entitlement | PlanFeature], draft: PlanVersion) -> None:
    for row in rows:
        values = {
            field.attname: getattr(row, field.attname)
            for field in row._meta.local_concrete_fields
            if field.name not in ("id", "plan_version")
        }
        type(row).objects.create(plan_version=draft, **values)


def _exact(price: Price) -> Decimal:
    """The price of the first unit, or the fee."""
    return quote(price.rule, ZERO, ZERO, terms.ONE) if price.meter else price.amount


def _view(price: Price, currency: str, exact: Decimal) -> PriceView:
    rule = price.rule
    return PriceView(
        plugin=price.plugin,
        unit=price.meter.unit if price.meter else None,
        amount=round_half_up(exact),
        exact=exact,
        currency=currency,
        model=price.model,
        tiers=rule.tiers,
        included=rule.included,
    )
