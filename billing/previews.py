"""What a change of plan would cost and bring, before it is made. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext, gettext_noop

from billing import clock, counters, rerating, standing, terms
from billing.domain import course
from billing.domain.course import Agreement, Course, Kind
from billing.domain.money import ZERO, round_half_up
from billing.domain.periods import Interval, Period, period_at
from billing.domain.proration import prorated
from billing.models import EVERY_PLUGIN, Entitlement, PlanVersion, Price, Subscription, UsageEvent

WARNINGS = {
    "limit_passed": gettext_noop("%(used)s of %(limit)s are used already: no new work is taken until the period ends."),
    "not_covered": gettext_noop("%(plugin)s, used in this period, is not part of the plan."),
    "new_periods": gettext_noop("The present period ends with the change and is invoiced."),
}


@dataclass(frozen=True, slots=True)
class Amount:
    """Exact minor units, and the same half up."""

    exact: Decimal

    @property
    def amount(self) -> int:
        return round_half_up(self.exact)


@dataclass(frozen=True, slots=True)
class Included:
    """What the new plan brings for one pool ("*" or a plugin): its limit, and the units that come free."""

    plugin: str
    meter: str | None
    limit: Decimal | None
    hard: bool
    free: Decimal


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """What the customer should know; the text is `code` with `params`."""

    code: str
    params: dict[str, str]

    @property
    def text(self) -> str:
        """In the language that is active."""
        return gettext(WARNINGS[self.code]) % self.params


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """`before` and `after` are the fees for [effective_at, rest_until) under the present and under the new plan.

    `fee` is that of `first_full_period`, the first one wholly under the new plan. Amounts are in `currency`, before tax
    and discounts, and without use.
    """

    plan: PlanVersion
    currency: str
    effective_at: datetime
    rest_until: datetime | None
    before: Amount
    after: Amount
    fee: Amount
    first_full_period: Period
    included: list[Included]
    warnings: list[ChangeWarning]


def of_change(subscription: Subscription, version: PlanVersion, *, at_period_end: bool) -> ChangePreview:
    """The preview of a change of plan that is allowed."""
    present = standing.shown(subscription)
    now = max(clock.now(), present.period.start)
    at = present.period.end if at_period_end and present.period.end is not None else now
    later = course.changed(present, Agreement(version.id, Interval(version.interval)), at)
    new_grid = later.anchor != present.anchor
    rest = Period(at, present.period.end)
    before, after = (rerating.fee_of(each, subscription.currency) for each in (subscription.plan_version, version))
    return ChangePreview(
        plan=version, currency=subscription.currency, effective_at=at, rest_until=rest.end,
        before=Amount(_share(present, before, rest)), after=Amount(ZERO if new_grid else _share(later, after, rest)),
        fee=Amount(after), first_full_period=_first_full(later, at),
        included=included(version, subscription.currency),
        warnings=list(_warnings(subscription, version, cut=new_grid and not at_period_end, now=not at_period_end)),
    )  # fmt: skip


def included(version: PlanVersion, currency: str) -> list[Included]:
    """What a version brings, pool by pool."""
    rows = version.entitlements.select_related("meter").order_by("plugin")
    return [
        Included(each.plugin, each.meter.slug if each.meter else None, each.limit, each.hard, _free(each, currency))
        for each in rows
    ]


def _free(entitlement: Entitlement, currency: str) -> Decimal:
    prices = Price.objects.filter(plan_version=entitlement.plan_version_id, currency=currency, meter=entitlement.meter)
    price = terms.most_specific(prices.filter(plugin__in=(entitlement.plugin, EVERY_PLUGIN), meter__isnull=False))
    return price.rule.included if price is not None else ZERO


def _share(stands: Course, fee: Decimal, rest: Period) -> Decimal:
    """The fee for the rest of the period, without the days that a trial still has."""
    if stands.period.end is None or rest.end is None or stands.kind == Kind.PAUSED:
        return ZERO
    start = rest.start
    if stands.kind == Kind.TRIAL:
        start = rest.end if stands.trial_end is None else min(rest.end, max(start, stands.trial_end))
    return prorated(fee, Period(start, rest.end), stands.period)


def _first_full(later: Course, at: datetime) -> Period:
    found = period_at(later.anchor, later.agreement.interval, at, later.zone)
    if found.start == at or found.end is None:
        return found
    return period_at(later.anchor, later.agreement.interval, found.end, later.zone)


def _warnings(subscription: Subscription, version: PlanVersion, *, cut: bool, now: bool) -> Iterator[ChangeWarning]:
    if cut:
        yield ChangeWarning("new_periods", {})
    for each in version.entitlements.select_related("meter").filter(hard=True) if now and not cut else ():
        limit = each.limit or ZERO
        used = _taken(subscription, each)
        if used >= limit:
            yield ChangeWarning("limit_passed", {"used": str(used), "limit": str(limit)})
    for plugin in _plugins_used(subscription):
        if terms.entitlement_for(version.pk, plugin) is None:
            yield ChangeWarning("not_covered", {"plugin": plugin})


def _taken(subscription: Subscription, entitlement: Entitlement) -> Decimal:
    """What the period has taken of the entitlement's pool so far, in all phases."""
    meter = entitlement.meter
    if meter is None:
        return ZERO
    pool = (entitlement.plugin, meter.id)
    stored = counters.of_period(subscription, subscription.period)
    found = [counters.taken(each) for each in stored if (each.plugin, each.meter_id) == pool]
    return found[0] if found else counters.setting(subscription, subscription.period).bases.get(pool, ZERO)


def _plugins_used(subscription: Subscription) -> list[str]:
    events = UsageEvent.objects.for_tenant(subscription.tenant_id).filter(
        subscription=subscription, counter__period_start=subscription.current_period_start
    )
    return sorted(set(events.order_by().values_list("plugin", flat=True)))
