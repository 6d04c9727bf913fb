"""What a customer, or the operator, does to a subscription: another plan, a pause, an end, and taking that back."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from billing import catalogue, clock, currencies, cycle, phasing, previews, standing, subscriptions
from billing.domain import course
from billing.domain.course import Agreement, Kind
from billing.domain.periods import Interval
from billing.errors import NoPeriodEnd, SubscriptionState, TrialUsed
from billing.models import PlanVersion, Subscription, SubscriptionStatus
from billing.previews import ChangePreview

When = Literal["now", "period_end"]
UNPAID = (SubscriptionStatus.SUSPENDED,)


def preview_change(tenant_id: UUID, plan_slug: str, *, when: When) -> ChangePreview:
    """What a change of plan would cost and bring; writes nothing. Raises what `change_plan` raises."""
    subscription = subscriptions.existing(tenant_id)
    version = _wanted(subscription, plan_slug, when)
    return previews.of_change(subscription, version, at_period_end=when == "period_end")


def change_plan(tenant_id: UUID, plan_slug: str, *, when: When, actor: str) -> Subscription:
    """Put the subscription on another plan, now or when the period ends; a planned end or change is taken back.

    Periods of the same length go on, and each plan's fee is due for its part of the period, to the second. With another
    length the period ends now and is invoiced, and a new one begins. Raises `UnknownPlan`, `TrialUsed`,
    `CurrencyNotOffered`, `NoPeriodEnd`, `SubscriptionState`, and `PaymentRequired` without a subscription.
    """
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        version = _wanted(subscription, plan_slug, when)
        _plan_ahead(subscription, None)
        if version.id == subscription.plan_version_id:
            return subscription
        if when == "now":
            switch(subscription, version, actor=actor)
        else:
            _plan_ahead(subscription, version)
            detail = {"plan": str(version), "at": _period_end(subscription)}
            phasing.note(subscription, "changed", key=phasing.new_key(), actor=actor, planned=detail)
        return subscription


def switch(subscription: Subscription, version: PlanVersion, *, actor: str) -> None:
    """Put a held subscription on another version now; a plan that is planned for the period's end stays planned."""
    if version.interval != subscription.plan_version.interval:
        cycle.bring_to(subscription, clock.now())
    before, at = standing.course_of(subscription), subscriptions.moment_of(subscription)
    later = course.changed(before, Agreement(version.id, Interval(version.interval)), at)
    later = replace(later, planned=before.planned)
    if later.agreement.interval != before.agreement.interval:
        later = replace(later, cancel_at=later.period.end if before.cancel_at else None)
    standing.apply(subscription, before, later, at, actor=actor)
    cycle.close_ended(subscription, at)


def cancel(tenant_id: UUID, *, when: When, actor: str) -> Subscription:
    """End the subscription, now or when the period ends; now, the fee up to now and all finished work is invoiced.

    Raises `NoPeriodEnd`, and `PaymentRequired` without a subscription.
    """
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        if when == "now":
            cycle.end(subscription, actor=actor)
            return subscription
        _require_period_end(subscription)
        subscription.cancel_at, subscription.next_plan_version = subscription.current_period_end, None
        subscription.save(update_fields=["cancel_at", "next_plan_version"])
        planned = {"end": _period_end(subscription)}
        phasing.note(subscription, "changed", key=phasing.new_key(), actor=actor, planned=planned)
        return subscription


def keep(tenant_id: UUID, *, actor: str) -> Subscription:
    """Take a planned end, or a planned change of plan, back. Raises `PaymentRequired` without a subscription."""
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        if subscription.cancel_at is not None or subscription.next_plan_version_id is not None:
            _plan_ahead(subscription, None)
            phasing.note(subscription, "changed", key=phasing.new_key(), actor=actor, planned=None)
        return subscription


def pause(tenant_id: UUID, *, actor: str) -> Subscription:
    """Take no new work and no fee from now on; periods, trials and planned ends go on by the calendar.

    Raises `SubscriptionState` for one that is suspended, and `PaymentRequired` without a subscription.
    """
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        _refuse(subscription, UNPAID)
        _turn(subscription, Kind.PAUSED, what="paused", actor=actor)
        return subscription


def resume(tenant_id: UUID, *, actor: str) -> Subscription:
    """End a pause: work is taken again, the fee is due from now on. Raises `PaymentRequired` without a subscription."""
    with transaction.atomic():
        subscription = subscriptions.hold(tenant_id)
        now = standing.course_of(subscription)
        if now.kind == Kind.PAUSED:
            kind = course.resumed(now, subscriptions.moment_of(subscription))
            _turn(subscription, kind, what="resumed", actor=actor)
        return subscription


def _turn(subscription: Subscription, kind: Kind, *, what: str, actor: str) -> None:
    before, at = standing.course_of(subscription), subscriptions.moment_of(subscription)
    standing.apply(subscription, before, replace(before, kind=kind), at, what=what, actor=actor)


def _wanted(subscription: Subscription, plan_slug: str, when: When) -> PlanVersion:
    """The version on offer, if the subscription can go over to it."""
    _refuse(subscription, UNPAID)
    version = catalogue.published(plan_slug)
    if version.plan.is_trial and version.plan_id != subscription.plan_version.plan_id:
        raise TrialUsed(gettext_noop("A trial is only for the beginning: choose another plan."))
    currencies.require(version, subscription.currency)
    if when == "period_end":
        _require_period_end(subscription)
    return version


def _plan_ahead(subscription: Subscription, version: PlanVersion | None) -> None:
    subscription.cancel_at, subscription.next_plan_version = None, version
    subscription.save(update_fields=["cancel_at", "next_plan_version"])


def _refuse(subscription: Subscription, statuses: tuple[SubscriptionStatus, ...]) -> None:
    if subscription.status in statuses:
        raise SubscriptionState(status=subscription.status, extra={"subscription_status": subscription.status})


def _require_period_end(subscription: Subscription) -> None:
    if subscription.current_period_end is None:
        raise NoPeriodEnd


def _period_end(subscription: Subscription) -> str:
    assert subscription.current_period_end is not None
    return subscription.current_period_end.isoformat()
